/*
 * A dispatcher in a process of its own. Arguments: its options as JSON, and `nobody` where it gives its rights up
 * first, `capable` where it keeps the capabilities that AF_XDP needs, or `without-tun` where it is to see no
 * /dev/net/tun. Commands: inject (`port`, `first`, `count`; the fake device), stop.
 */
import { createDispatcher } from '@nicshare/dispatcher';
import { FakeWire, type FakeWireDescription } from '@nicshare/driver';
import { isNicshareError } from '@nicshare/shm';
import { becomeCapable, CAPABILITIES } from '../support/capabilities.js';
import { hideFolder } from '../support/hidden-folder.js';
import { becomeNobody } from '../support/nobody.js';
import { numberedPacket } from '../support/packets.js';
import { nextCommand, say } from '../support/parent.js';

if (process.argv[3] === 'nobody') becomeNobody();
if (process.argv[3] === 'without-tun') hideFolder('/dev/net');
if (process.argv[3] === 'capable') becomeCapable(Object.values(CAPABILITIES));
try {
  const dispatcher = await createDispatcher(JSON.parse(process.argv[2]!));
  const { memory, description } = dispatcher.wire;
  const wire = description ? new FakeWire(memory, description as FakeWireDescription) : undefined;
  await say('ready');
  for (;;) {
    const { event, port, first, count } = await nextCommand();
    if (event === 'stop') break;
    for (let i = 0; i < Number(count); i++) wire?.inject(numberedPacket(Number(port), Number(first) + i));
    await say('injected');
  }
  await dispatcher.close();
  wire?.close();
  await say('stopped');
} catch (error) {
  if (!isNicshareError(error)) throw error;
  await say('failed', { code: error.code, message: error.message, action: error.action });
}
process.disconnect();
