/*
 * Taps a dispatcher's device until it is killed. Arguments: socket, and `nobody` where it gives its rights up first.
 * Says `tapping`, or `refused` with why.
 */
import { connect, isNicshareError } from '@nicshare/client';
import { becomeNobody } from '../support/nobody.js';
import { say } from '../support/parent.js';

const [socket, user] = process.argv.slice(2) as [string, string?];
if (user === 'nobody') becomeNobody();
try {
  const tap = await (await connect({ socket })).tap();
  await say('tapping');
  for await (const batch of tap) if (batch.count === 0) break;
} catch (error) {
  if (!isNicshareError(error)) throw error;
  const { code, message } = error;
  await say('refused', { code, message });
  process.exit();
}
