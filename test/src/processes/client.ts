/*
 * A client of the client package that does as it is told. Arguments: socket, queue, port of the queue, and `nobody`
 * where it gives its rights up first. Commands: receive (until told `enough`), send (until `enough`), attach (another
 * queue), close.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { connect, isNicshareError, type Port } from '@nicshare/client';
import { becomeNobody } from '../support/nobody.js';
import { intactSequence, numberedPacket } from '../support/packets.js';
import { nextCommand, say, told } from '../support/parent.js';

const [socket, queue, destination, user] = process.argv.slice(2) as [string, string, string, string?];

/** Takes packets; says how many came, and whether all were whole and in order though some may be missing. */
async function receive(port: Port): Promise<void> {
  const batch = port.createBatch();
  let count = 0;
  let last = -1;
  let intact = true;
  while (!told('enough') && !port.isDetached) {
    const taken = port.rxBurst(batch);
    for (let i = 0; i < taken; i++) {
      const sequence = intactSequence(batch.packet(i), Number(destination));
      intact &&= sequence !== undefined && sequence > last;
      last = sequence ?? last;
    }
    port.release(batch);
    if (taken > 0 && count === 0) await say('receiving');
    count += taken;
    await nextTurn();
  }
  await say('received', { count, last, intact });
}

/** Sends numbered packets as fast as it can. */
async function send(port: Port): Promise<void> {
  let sent = 0;
  while (!told('enough') && !port.isDetached) {
    while (port.send(numberedPacket(Number(destination), sent)) === 'sent') sent++;
    await nextTurn();
  }
  await say('sent', { count: sent });
}

async function attachment(attach: () => Promise<Port>): Promise<Port | undefined> {
  try {
    const port = await attach();
    await say('attached', { session: port.session, trusted: port.trusted });
    return port;
  } catch (error) {
    if (!isNicshareError(error)) throw error;
    const { code, message, action } = error;
    await say('refused', { code, message, action });
    return undefined;
  }
}

if (user === 'nobody') becomeNobody();
const opened = await attachment(async () => (await connect({ socket })).attach(queue));
for (;;) {
  const { event } = await nextCommand();
  if (event === 'close') break;
  if (opened && event === 'receive') await receive(opened);
  if (opened && event === 'send') await send(opened);
}
await opened?.close();
process.exit();
