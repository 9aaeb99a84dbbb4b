/*
 * forward.js SOCKET SOCKET [QUEUE]: a cable between two interfaces: what comes in at one dispatcher goes out at the other.
 *
 * Two attachments in one process. Packets are copied in bursts from where they were received into frames to send, and
 * the sums of what became of them are printed once a second.
 */
import { connect, type Port } from '@nicshare/client';
import { copyBytes } from './headers.js';

const BURST = 64;
const [oneSocket, otherSocket, queue = 'all'] = process.argv.slice(2);
if (!oneSocket || !otherSocket) {
  console.error('usage: forward.js SOCKET SOCKET [QUEUE]');
  process.exit(1);
}

/** `backPressure`: lost because no frame to send was free. `tooLong`: for the other interface. */
const tally = { forwarded: 0, backPressure: 0, tooLong: 0 };

async function forward(from: Port, to: Port): Promise<void> {
  const outgoing = to.createTxBatch(BURST);
  const fitting = new Uint32Array(BURST);
  for await (const { bytes, offset, length, count } of from) {
    let wanted = 0;
    for (let i = 0; i < count; i++) if (length[i]! <= to.maxPacket) fitting[wanted++] = i;
    const free = to.reserve(outgoing, wanted);
    for (let k = 0; k < free; k++) {
      const i = fitting[k]!;
      copyBytes(bytes, offset[i]!, outgoing.bytes, outgoing.offset[k]!, length[i]!);
      outgoing.length[k] = length[i]!;
    }
    tally.forwarded += to.txBurst(outgoing);
    tally.backPressure += wanted - free;
    tally.tooLong += count - wanted;
  }
  console.log(`ended: ${from.detachedReason?.message}`);
}

const clients = [await connect({ socket: oneSocket }), await connect({ socket: otherSocket })] as const;
const one = await clients[0].attach(queue);
const other = await clients[1].attach(queue);
console.log(`forwards between ${one.queue} of ${one.mac} and ${other.queue} of ${other.mac}`);

const report = setInterval(() => {
  const { forwarded, backPressure, tooLong } = tally;
  console.log(`${forwarded} forwarded, ${backPressure} lost to back-pressure, ${tooLong} too long`);
}, 1000);

// The cable is cut when either end is.
await Promise.race([forward(one, other), forward(other, one)]);
clearInterval(report);
for (const client of clients) await client.close();
