import { fstatSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Device } from '../device.js';
import { MAX_BURST } from '../tables.js';
import type { Behaviour } from './behaviour.js';
import { passThrough, type Received } from './driver.js';
import { hex, packet, packets, SHORTEST, total } from './packets.js';

/** Packets that wait outside of a device without room, where it holds them back. */
const HELD_BACK = 40;

/** Packets that all rings count as taken. */
const taken = (device: Device): number =>
  (device.stats().rings ?? []).reduce((sum, ring) => sum + ring.rxPackets, 0);

export function receives(behaviour: Behaviour): void {
  behaviour('has nothing where nothing came', (t, { device }, driver) => {
    for (let queue = 0; queue < device.info.rxQueues; queue++)
      t.is(device.fastPath.rxBurst(queue, driver.batch, MAX_BURST), 0);
  });

  behaviour('hands packets over byte for byte and in order', async (t, bench, driver) => {
    const sent = packets(1, 200);
    const received = await passThrough(bench, driver, sent);
    t.deepEqual(hex(received.map(({ bytes }) => bytes)), hex(sent));
  });

  behaviour('hands over packets from the shortest to the longest', async (t, bench, driver) => {
    const { maxPacket } = bench.device.info;
    const { shortest = SHORTEST } = bench;
    const lengths = [SHORTEST, SHORTEST + 1, 33, 59, 60, 65, 127, 1500, maxPacket - 1, maxPacket];
    const sent = lengths.filter((length) => length >= shortest).map((length, i) => packet(i, length));
    const received: Received[] = [];
    // One by one: a device of several rings may spread packets of different lengths, and keeps order only within one.
    for (const bytes of sent) received.push(...(await passThrough(bench, driver, [bytes])));
    t.deepEqual(hex(received.map(({ bytes }) => bytes)), hex(sent));
  });

  behaviour('takes no more than was asked for', async (t, bench, driver) => {
    for (const bytes of packets(1, 10)) bench.outside.send(bytes);
    const counts: number[] = [];
    for (let idle = 0; counts.length < 10 && idle < 500; idle++) {
      for (let queue = 0; queue < bench.device.info.rxQueues; queue++) {
        const count = bench.device.fastPath.rxBurst(queue, driver.batch, 1);
        bench.device.fastPath.rxRelease(queue, driver.batch, count);
        if (count > 0) counts.push(count);
      }
      await delay(1);
    }
    t.deepEqual(counts, new Array(10).fill(1));
  });

  behaviour('frames that were given back come round again', async (t, bench, driver) => {
    const sent = packets(1, bench.ringSize * 7);
    const received = await passThrough(bench, driver, sent);
    t.deepEqual(hex(received.map(({ bytes }) => bytes)), hex(sent));
    t.is(total(bench.device.stats().rxDropped), 0);
  });

  behaviour(
    'its packets lie in its regions, which nobody else can open for writing',
    async (t, bench, driver) => {
      const { rxRegions } = bench.device;
      const held = new Map<number, number[]>();
      for (const bytes of packets(1, 16)) bench.outside.send(bytes);
      for (let count = 0, idle = 0; count < 16 && idle < 500; idle++) {
        count += driver.takeAvailable(held).length;
        await delay(1);
      }
      const offsets = [...held.values()].flat();
      t.is(offsets.length, 16);
      const homes = offsets.map((at) =>
        rxRegions.find(({ offset, bytes }) => at >= offset && at < offset + bytes),
      );
      t.false(homes.includes(undefined));
      for (const { fd } of rxRegions) t.is(fstatSync(fd).mode & 0o777, 0o400);
      for (const [queue, own] of held) driver.release(queue, own);
    },
  );

  behaviour('shows its rings, and what went through them', async (t, bench, driver) => {
    const before = taken(bench.device);
    await passThrough(bench, driver, packets(1, 100));
    const { rings } = bench.device.stats();
    // A device without rings of its own shows none.
    t.true(!rings || rings.length === bench.device.info.rxQueues);
    t.true(!rings || taken(bench.device) - before >= 100);
    for (const { rxSize, rxWaiting, txSize, txWaiting } of rings ?? []) {
      t.true(rxWaiting <= rxSize);
      t.true(txWaiting <= txSize);
    }
  });

  behaviour('any byte of a frame names it', async (t, bench, driver) => {
    const rounds = bench.ringSize * 4;
    for (let round = 0; round < rounds; round += 16) {
      for (const bytes of packets(round, 16)) bench.outside.send(bytes);
      const held = new Map<number, number[]>();
      let count = 0;
      for (let idle = 0; count < 16 && idle < 500; idle++) {
        const more = driver.takeAvailable(held).length;
        count += more;
        if (more === 0) await delay(2);
      }
      t.is(count, 16);
      for (const [queue, offsets] of held)
        driver.release(
          queue,
          offsets.map((offset) => offset + 63),
        );
    }
  });
}

/** Of a device that has a limited number of frames to receive into. */
export function runsShort(behaviour: Behaviour): void {
  behaviour(
    'recovers when all frames were held; what is lost meanwhile is counted',
    async (t, bench, driver) => {
      const held = new Map<number, number[]>();
      const sent = bench.holdsBack ? bench.ringSize * 2 + HELD_BACK : bench.ringSize * 8;
      let received = 0;
      for (let first = 0; first < sent; first += 16) {
        for (const bytes of packets(first, 16)) bench.outside.send(bytes);
        for (let idle = 0; idle < 2; idle++) {
          received += driver.takeAvailable(held).length;
          await delay(1);
        }
      }
      t.true(received >= bench.ringSize, `held ${received}`);
      t.true(received < sent, `held ${received}`);
      const { holdsBack = false, countsLosses = true } = bench;
      t.true(holdsBack || !countsLosses || total(bench.device.stats().rxDropped) > 0);

      for (const [queue, offsets] of held) driver.release(queue, offsets);
      const late = await driver.take(Number.POSITIVE_INFINITY);
      t.true(!bench.holdsBack || late.length > 0, `${received} of ${sent} came, ${late.length} late`);
      const again = packets(90_000, 300);
      t.deepEqual(hex((await passThrough(bench, driver, again)).map(({ bytes }) => bytes)), hex(again));
    },
  );
}
