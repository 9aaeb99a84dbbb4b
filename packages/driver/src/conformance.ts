import type { Assertions, Behaviour } from './conformance/behaviour.js';
import type { Bench } from './conformance/bench.js';
import { Driver } from './conformance/driver.js';
import { filters } from './conformance/filtering.js';
import { total } from './conformance/packets.js';
import { receives, runsShort } from './conformance/receiving.js';
import { sends } from './conformance/sending.js';
import { sleeps } from './conformance/sleeping.js';
import { timesPackets } from './conformance/timing.js';

export type { Assertions } from './conformance/behaviour.js';
export type { Bench, Outside } from './conformance/bench.js';
export { Driver } from './conformance/driver.js';
export { packet } from './conformance/packets.js';

/** A test runner's function that takes a test: ava's `test.serial`, or its `skip`. */
export type Register = (title: string, body: (t: Assertions) => Promise<void>) => void;

const GROUPS = { describesItself, receives, runsShort, sends, filters, sleeps, timesPackets } as const;

/** A part of the suite. */
export type ConformanceGroup = keyof typeof GROUPS;

/**
 * Registers the tests that every driver has to pass. `open` opens a device, of at least one ring of each direction,
 * for each test anew, and is told its title; the suite sets its rules. A small ring (64) keeps it short. `groups` names the
 * parts for a driver that all of them cannot be asked of.
 */
export function deviceConformance(
  register: Register,
  name: string,
  open: (title: string) => Bench | Promise<Bench>,
  groups = Object.keys(GROUPS) as readonly ConformanceGroup[],
): void {
  const behaviour: Behaviour = (title, body) => {
    register(`${name}: ${title}`, async (t) => {
      const bench = await open(title);
      try {
        bench.device.setRules({ matches: [{}], unmatched: 'pass' });
        bench.device.start?.();
        await body(t, bench, new Driver(bench));
      } finally {
        await bench.close();
      }
    });
  };
  for (const group of groups) GROUPS[group](behaviour);
}

function describesItself(behaviour: Behaviour): void {
  behaviour('says what it is', (t, { device }) => {
    const { info } = device;
    t.true(info.driver.length > 0 && info.interface.length > 0 && info.mode.length > 0);
    t.is(info.mac.length, 6);
    t.true(info.rxQueues >= 1 && info.txQueues >= 1);
    t.true(info.maxPacket >= 1514);
    t.true(device.waitDescriptors.length >= 1);
    t.true(device.waitDescriptors.every((fd) => Number.isInteger(fd) && fd >= 0));
    t.is(total(device.stats().rxDropped), 0);
    t.is(total(device.stats().txDropped), 0);
  });

  behaviour('can be closed twice', (t, { device }) => {
    device.close();
    t.notThrows(() => device.close());
  });
}
