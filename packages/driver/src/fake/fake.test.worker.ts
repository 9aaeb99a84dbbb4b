/* Part of fake.test.ts: a thread that sends back what its fake device receives, and sleeps in between. */
import { parentPort, workerData } from 'node:worker_threads';
import { Arena } from '@nicshare/shm';
import { PollSet } from '@nicshare/shm/sys';
import { BATCH_ENTRY, BATCH_LENGTH, MAX_BURST } from '../tables.js';
import { openFake } from './device.js';

const { memory, ringSize, packets } = workerData as {
  memory: WebAssembly.Memory;
  ringSize: number;
  packets: number;
};
const arena = Arena.adopt(memory, { start: 0, end: memory.buffer.byteLength });
const device = openFake(
  { driver: 'fake' },
  { arena, frameSize: 2048, ringSize, hugepages: 'never', note: () => {} },
);
const descriptors = new PollSet(device.waitDescriptors);
const rx = arena.allocate(MAX_BURST * BATCH_ENTRY);
const tx = arena.allocate(MAX_BURST * BATCH_ENTRY);
const bytes = new Uint8Array(memory.buffer);
const words = new Uint32Array(memory.buffer);

function echo(): number {
  const { fastPath } = device;
  const count = fastPath.txReserve(0, tx, fastPath.rxBurst(0, rx, MAX_BURST));
  for (let i = 0; i < count; i++) {
    const entry = i * BATCH_ENTRY;
    const from = words[(rx + entry) / 4]!;
    const length = words[(rx + entry + BATCH_LENGTH) / 4]!;
    bytes.copyWithin(words[(tx + entry) / 4]!, from, from + length);
    words[(tx + entry + BATCH_LENGTH) / 4] = length;
  }
  fastPath.txBurst(0, tx, count);
  fastPath.rxRelease(0, rx, count);
  return count;
}

parentPort!.once('message', () => device.close());
parentPort!.postMessage(device.wire);
for (let echoed = 0; echoed < packets; ) {
  if (device.prepareSleep()) {
    descriptors.wait(-1);
    device.endSleep();
  }
  echoed += echo();
}
