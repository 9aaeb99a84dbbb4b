/*
 * An application without rights: answers ICMP echo requests and UDP datagrams of its queue, or only counts. Arguments:
 * socket, queue, `answer` or `count`. Says how many it took when its session is over or when it is told `enough`.
 */
import { connect } from '@nicshare/client';
import { becomeNobody } from '../support/nobody.js';
import { nextCommand, say } from '../support/parent.js';

const [socket, queue, task] = process.argv.slice(2) as [string, string, string];
const IP = 14;
const TRANSPORT = IP + 20;

function swap(packet: Buffer, one: number, other: number, length: number): void {
  const kept = Buffer.from(packet.subarray(one, one + length));
  packet.copy(packet, one, other, other + length);
  kept.copy(packet, other);
}

/** Turns a request into its answer; sums over swapped fields stay as they were. */
function answer(packet: Buffer): void {
  swap(packet, 0, 6, 6);
  swap(packet, IP + 12, IP + 16, 4);
  if (packet[IP + 9] === 17) return swap(packet, TRANSPORT, TRANSPORT + 2, 2);
  packet[TRANSPORT] = 0;
  const sum = packet.readUInt16BE(TRANSPORT + 2) + 0x0800;
  packet.writeUInt16BE((sum & 0xffff) + (sum >>> 16), TRANSPORT + 2);
}

becomeNobody();
const client = await connect({ socket });
const port = await client.attach(queue);
await say('attached', { uid: process.getuid!(), trusted: port.trusted });
void nextCommand().then(() => port.close());
let count = 0;
for await (const packets of port) {
  for (let i = 0; i < packets.count; i++) {
    count++;
    if (task === 'count') continue;
    const packet = Buffer.from(packets.packet(i));
    answer(packet);
    while (port.send(packet) === 'back-pressure') await port.writable();
  }
}
await say('ended', { count, code: port.detachedReason?.code });
process.exit();
