/*
 * A dispatcher on the fake device in a process of its own. Arguments: its options as JSON, and `nobody` where it gives
 * its rights up first. Commands: inject (`port`, `first`, `count`), stop.
 */
import { createDispatcher } from '@nicshare/dispatcher';
import { FakeWire, type FakeWireDescription } from '@nicshare/driver';
import { isNicshareError } from '@nicshare/shm';
import { becomeNobody } from '../support/nobody.js';
import { numberedPacket } from '../support/packets.js';
import { nextCommand, say } from '../support/parent.js';

if (process.argv[3] === 'nobody') becomeNobody();
try {
  const dispatcher = await createDispatcher(JSON.parse(process.argv[2]!));
  const wire = new FakeWire(dispatcher.wire.memory, dispatcher.wire.description as FakeWireDescription);
  await say('ready');
  for (;;) {
    const { event, port, first, count } = await nextCommand();
    if (event === 'stop') break;
    for (let i = 0; i < Number(count); i++) wire.inject(numberedPacket(Number(port), Number(first) + i));
    await say('injected');
  }
  await dispatcher.close();
  wire.close();
  await say('stopped');
} catch (error) {
  if (!isNicshareError(error)) throw error;
  await say('failed', { code: error.code, message: error.message, action: error.action });
}
process.disconnect();
