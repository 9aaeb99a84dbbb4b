import { Arena } from '@nicshare/shm';
import test from 'ava';
import { packet } from '../conformance/packets.js';
import { type Assertions, type Bench, type ConformanceGroup, deviceConformance } from '../conformance.js';
import type { Device } from '../device.js';
import { openFake } from '../fake/device.js';
import { FakeWire } from '../fake/wire.js';
import { pcapFile } from './capture/samples.test.support.js';
import { FRAME_SIZE, fresh, MS, open, RING_SIZE, recorded, written } from './device.test.support.js';

/*
 * The suite's packets come from outside while the device is open, but a capture is fixed when it opens. So the suite is
 * run twice: on a fake device first, to learn which packets each test sends, then on a capture of these, of which one
 * more is due whenever the test sends one. Two parts are left out: a replay's frames never run short, and its packets come
 * by the clock of this test, not by that of the machine.
 */
const GROUPS: readonly ConformanceGroup[] = ['describesItself', 'receives', 'sends', 'filters', 'sleeps'];
/** Real time that a sleeper sleeps at the most. */
const GAP = 500 * MS;
/** Starts the clock, or never comes. */
const OTHER = packet(9);

const sentBy = new Map<string, Buffer[]>();
const lessons: (() => Promise<void>)[] = [];

/** What the suite asks of a device, from one that has the shape of a replay. */
const shaped = (device: Device): Device =>
  new Proxy(device, {
    get(target, key) {
      if (key === 'info') return { ...target.info, maxPacket: FRAME_SIZE };
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });

function learningBench(title: string): Bench {
  const arena = Arena.create(16 << 20, { shared: true });
  const context = {
    arena,
    frameSize: FRAME_SIZE,
    ringSize: RING_SIZE,
    hugepages: 'never',
    note: () => {},
  } as const;
  const device = openFake({ driver: 'fake' }, context);
  const wire = new FakeWire(arena.memory, device.wire);
  const sent: Buffer[] = [];
  sentBy.set(title, sent);
  return {
    device: shaped(device),
    arena,
    ringSize: RING_SIZE,
    outside: {
      send: (bytes) => {
        sent.push(Buffer.from(bytes));
        wire.inject(bytes);
      },
      receive: () => wire.capture(),
    },
    close: () => {
      wire.close();
      device.close();
    },
  };
}

/** The fake device has tests of its own. */
const unjudged: Assertions = {
  true: () => {},
  false: () => {},
  is: () => {},
  notThrows: (body) => body(),
  deepEqual: () => {},
};
deviceConformance((_, body) => lessons.push(() => body(unjudged)), 'lesson', learningBench, GROUPS);
test.serial.before(async () => {
  for (const lesson of lessons) await lesson();
});

deviceConformance(
  test.serial,
  'pcap',
  (title) => {
    const packets = [OTHER, ...sentBy.get(title)!, OTHER];
    const file = written(pcapFile(packets.map((bytes, i) => ({ bytes, time: BigInt(i * GAP) }))));
    const record = fresh();
    const { device, arena, clock, take } = open({ file, record });
    take();
    let taken = 0;
    return {
      device,
      arena,
      ringSize: RING_SIZE,
      outside: {
        send: () => {
          clock.now += GAP;
        },
        receive: () => {
          const all = recorded(record);
          const before = taken;
          taken = all.length;
          return all.slice(before);
        },
      },
      close: () => device.close(),
    };
  },
  GROUPS,
);
