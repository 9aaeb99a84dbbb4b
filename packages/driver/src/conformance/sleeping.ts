import { setTimeout as delay } from 'node:timers/promises';
import { PollSet } from '@nicshare/shm/sys';
import type { Behaviour } from './behaviour.js';
import { hex, packet } from './packets.js';

export function sleeps(behaviour: Behaviour): void {
  const WAIT_MS = 20_000;

  behaviour('poll(2) sleeps until a packet comes', async (t, bench, driver) => {
    const { device } = bench;
    const descriptors = new PollSet(device.waitDescriptors);
    for (let round = 0; round < 3; round++) {
      t.true(device.prepareSleep());
      t.is(descriptors.wait(0), 0);
      bench.outside.send(packet(round));
      t.true(descriptors.wait(WAIT_MS) > 0);
      device.endSleep();
      t.deepEqual(hex((await driver.take(1)).map(({ bytes }) => bytes)), hex([packet(round)]));
    }
  });

  behaviour('nobody may sleep while packets wait', async (t, bench, driver) => {
    const { device } = bench;
    bench.outside.send(packet(1));
    let maySleep = true;
    for (let attempt = 0; maySleep && attempt < 500; attempt++) {
      maySleep = device.prepareSleep();
      if (!maySleep) break;
      device.endSleep();
      await delay(2);
    }
    t.false(maySleep);
    t.is((await driver.take(1)).length, 1);
    t.true(device.prepareSleep());
    device.endSleep();
  });
}
