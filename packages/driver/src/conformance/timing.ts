import { monotonicClock } from '@nicshare/shm';
import { BATCH_ENTRY, MAX_BURST } from '../tables.js';
import type { Behaviour } from './behaviour.js';
import { packet, packets } from './packets.js';

/** Clocks of two processors, and of the kernel and of us, may differ by so many nanoseconds. */
const CLOCKS_DIFFER = 1e6;

/** Of a device that was opened to tell times. */
export function timesPackets(behaviour: Behaviour): void {
  behaviour('says when packets came', async (t, { device, outside }, driver) => {
    const clock = monotonicClock();
    const { rxBurst, rxRelease, rxTime } = device.fastPath;
    t.is(typeof rxTime, 'function');
    for (let sent = 0; sent < 8; sent++) {
      const before = clock();
      outside.send(packet(sent));
      let came: number | undefined;
      for (let turn = 0; turn < 1000 && came === undefined; turn++) {
        await new Promise((resolve) => setTimeout(resolve, 2));
        for (let queue = 0; queue < device.info.rxQueues; queue++) {
          const count = rxBurst.call(device.fastPath, queue, driver.batch, MAX_BURST);
          if (count === 0) continue;
          came = rxTime!.call(device.fastPath, queue, driver.batch);
          rxRelease.call(device.fastPath, queue, driver.batch, count);
        }
      }
      t.true(came! > before - CLOCKS_DIFFER && came! < clock() + CLOCKS_DIFFER, `${before}: ${came}`);
    }
  });

  behaviour('says the time of each packet of a burst', async (t, { device, outside }, driver) => {
    for (const bytes of packets(1, 16)) outside.send(bytes);
    await new Promise((resolve) => setTimeout(resolve, 100));
    for (let queue = 0; queue < device.info.rxQueues; queue++) {
      const count = device.fastPath.rxBurst(queue, driver.batch, MAX_BURST);
      const times = Array.from({ length: count }, (_, i) =>
        device.fastPath.rxTime!(queue, driver.batch + i * BATCH_ENTRY),
      );
      t.deepEqual(
        times,
        times.toSorted((a, b) => a - b),
      );
      t.true(times.every((time) => time > 0));
      device.fastPath.rxRelease(queue, driver.batch, count);
    }
  });
}
