import type { Behaviour } from './behaviour.js';
import { arrivals, sendAll } from './driver.js';
import { hex, packet, packets, SHORTEST } from './packets.js';

export function sends(behaviour: Behaviour): void {
  behaviour('names the same free frames until they are sent', (t, { device }, driver) => {
    const offsets = (count: number): number[] =>
      Array.from({ length: count }, (_, i) => driver.entryOffset(i));
    t.is(device.fastPath.txReserve(0, driver.batch, 8), 8);
    const first = offsets(8);
    t.is(new Set(first).size, 8);
    t.is(device.fastPath.txReserve(0, driver.batch, 8), 8);
    t.deepEqual(offsets(8), first);
    t.is(device.fastPath.txReserve(0, driver.batch, 3), 3);
    t.deepEqual(offsets(3), first.slice(0, 3));
  });

  behaviour('sends packets byte for byte and in order', async (t, bench, driver) => {
    for (let queue = 0; queue < bench.device.info.txQueues; queue++) {
      const sent = packets(1 + queue * 1000, 40);
      t.deepEqual(hex(await sendAll(bench, driver, queue, sent)), hex(sent));
    }
  });

  behaviour('sends packets from the shortest to the longest', async (t, bench, driver) => {
    const { maxPacket } = bench.device.info;
    const { shortest = SHORTEST } = bench;
    const lengths = [SHORTEST, 59, 60, 129, maxPacket - 1, maxPacket];
    const sent = lengths.filter((length) => length >= shortest).map((length, i) => packet(i, length));
    t.deepEqual(hex(await sendAll(bench, driver, 0, sent)), hex(sent));
  });

  behaviour('sends a part of what was reserved', async (t, bench, driver) => {
    const sent = packets(1, bench.ringSize * 2);
    const arrived: Buffer[] = [];
    for (let i = 0; i < sent.length; i += 2) {
      const pair = sent.slice(i, i + 2);
      t.is(driver.send(0, pair, 32), 2);
      arrived.push(...(await arrivals(bench, 2)));
    }
    t.deepEqual(hex(arrived), hex(sent));
  });

  behaviour('sends more than a ring', async (t, bench, driver) => {
    const sent = packets(1, bench.ringSize * 5);
    t.deepEqual(hex(await sendAll(bench, driver, 0, sent)), hex(sent));
  });

  behaviour('does not name a frame again before its packet has gone', async (t, bench, driver) => {
    for (let round = 0; round < 3; round++) {
      const sent = packets(round * 1000, bench.ringSize * 3);
      let next = 0;
      for (let count = 1; count > 0 && next < sent.length; next += count)
        count = driver.send(0, sent.slice(next, next + 7));
      t.true(next > bench.ringSize / 2);
      t.deepEqual(hex(await arrivals(bench, next)), hex(sent.slice(0, next)));
    }
  });
}
