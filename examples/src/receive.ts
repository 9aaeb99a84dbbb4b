/*
 * receive.js [QUEUE]: counts the packets of a queue, one line a second.
 *
 * The first step of the ladder: connect, attach, and take packets as they come. It ends when the dispatcher does.
 */
import { connect } from '@nicshare/client';
import { joinDemo } from './start/member.js';

const tally = { received: 0, bytes: 0 };
joinDemo(tally);

const client = await connect();
const port = await client.attach(process.argv[2] ?? 'rest');
console.log(`attached to ${port.queue} of ${port.mac}`);

let before = 0;
const report = setInterval(() => {
  console.log(`${tally.received - before} packets/s, ${tally.received} in all, ${tally.bytes} bytes`);
  before = tally.received;
}, 1000);

for await (const packets of port) {
  tally.received += packets.count;
  for (let i = 0; i < packets.count; i++) tally.bytes += packets.length[i]!;
}

clearInterval(report);
console.log(`ended: ${port.detachedReason?.message}`);
await client.close();
