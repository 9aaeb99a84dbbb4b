import { type LatencyHistogram, NO_COUNTERS, NO_LATENCIES } from '@nicshare/shm';
import test from 'ava';
import type { ClientStats, DispatcherStats, QueueStats } from '../stats.js';
import { processorSeconds, processorSecondsIn } from './processor-time.js';
import type { Sample } from './sampling.js';
import { Screen } from './screen.js';
import { renderTop } from './top-table.js';
import { topView } from './top-view.js';

const RING = { rxSize: 64, rxWaiting: 0, rxFree: 128, rxPackets: 0, txSize: 64, txWaiting: 0, txPackets: 0 };

const QUEUE: QueueStats = {
  name: 'dns',
  mode: 'isolated',
  match: 'any',
  priority: 100,
  client: null,
  totals: NO_COUNTERS,
  dropNoClient: 0,
  violations: 0,
  latency: null,
};

const CLIENT: ClientStats = {
  session: 1,
  pid: 77,
  uid: 1000,
  trusted: false,
  attachedSeconds: 5,
  pageSize: 4096,
  counters: NO_COUNTERS,
  backPressure: 0,
  frames: { total: 128, free: 64, inRing: 32, client: 32 },
  txWaiting: 8,
  txSize: 64,
};

const STATS: DispatcherStats = {
  pid: 1,
  uptimeSeconds: 10,
  device: {
    driver: 'fake',
    interface: 'fake0',
    mac: '02:00:00:00:00:01',
    rxQueues: 1,
    txQueues: 1,
    maxPacket: 1514,
    mode: 'in memory',
    rules: { coverage: 'none' },
  },
  deviceCounters: { rxDropped: { ringFull: 5 }, txDropped: { runt: 0 }, rings: [RING] },
  plane: {
    received: 0,
    receivedBytes: 0,
    notPassed: 0,
    unmatchedDropped: 0,
    sent: 0,
    exceptionToKernel: 0,
    exceptionFromKernel: 0,
    exceptionDropped: { full: 0, down: 0, gone: 0, refused: 0, runt: 0, oversized: 0 },
  },
  memory: { budget: 1000, used: 10 },
  latency: null,
  refusals: {},
  stack: null,
  ledgerErrors: 0,
  taps: [],
  queues: [QUEUE],
};

/** Two seconds in which all that is counted moved. */
const SAMPLE: Sample = {
  before: STATS,
  after: {
    ...STATS,
    uptimeSeconds: 12,
    plane: {
      ...STATS.plane,
      received: 2000,
      receivedBytes: 200_000,
      notPassed: 4,
      sent: 1000,
      exceptionToKernel: 60,
      exceptionFromKernel: 40,
      exceptionDropped: { ...STATS.plane.exceptionDropped, down: 8 },
    },
    deviceCounters: {
      rxDropped: { ringFull: 25 },
      txDropped: { runt: 2 },
      rings: [{ ...RING, rxWaiting: 16, rxFree: 100, rxPackets: 2000, txWaiting: 8, txPackets: 1000 }],
    },
    queues: [
      {
        ...QUEUE,
        client: { ...CLIENT, counters: { ...NO_COUNTERS, wakeups: 6, doorbells: 8 }, backPressure: 40 },
        totals: {
          ...NO_COUNTERS,
          rxPackets: 1800,
          rxBytes: 180_000,
          txPackets: 1000,
          txBytes: 100_000,
          rxDropRingFull: 10,
          wakeups: 6,
        },
        dropNoClient: 40,
      },
    ],
  },
  seconds: 2,
  processorSeconds: new Map([
    [1, 0.5],
    [77, 0.2],
  ]),
};

const TIME = new Date('2026-01-02T03:04:05Z');

test('rates are a second, fill levels are shares', (t) => {
  const { device, dispatcher, queues, time } = topView(SAMPLE, TIME);
  t.is(time, '2026-01-02T03:04:05.000Z');
  t.is(dispatcher.processor, 0.25);
  t.like(device, { rxPackets: 1000, rxBits: 800_000, txPackets: 500 });
  t.deepEqual(device.drops, { ringFull: 10, runt: 1, notPassed: 2, unmatchedDropped: 0 });
  t.like(device.rings[0], { ring: 0, rxPackets: 1000, rxWaiting: 16, rxFree: 100, txPackets: 500 });
  const [queue] = queues;
  t.like(queue, { name: 'dns', rxPackets: 900, rxBits: 720_000, txPackets: 500, wakeups: 3 });
  t.like(queue!.drops, { rxDropRingFull: 5, noClient: 20, txDropRunt: 0 });
  t.like(queue!.client, { pid: 77, processor: 0.1, rxRingFill: 0.25, framesHeld: 0.25, txWaiting: 8 });
  t.like(queue!.client, { wakeups: 3, doorbells: 4, backPressure: 20 });
  t.is(queue!.latency, null);
});

test('a client that has just attached began at nothing, whoever was there before', (t) => {
  const { before, after } = SAMPLE;
  const earlier = { ...CLIENT, session: 0, counters: { ...NO_COUNTERS, wakeups: 1000 }, backPressure: 1000 };
  const sample = { ...SAMPLE, before: { ...before, queues: [{ ...QUEUE, client: earlier }] }, after };
  t.like(topView(sample, TIME).queues[0]!.client, { wakeups: 3, backPressure: 20 });
});

test('latencies of the interval, by stage; one that cannot be measured is a dash', (t) => {
  const counted = (counts: Readonly<Record<number, number>>): LatencyHistogram => ({
    buckets: NO_LATENCIES.buckets.map((_, bucket) => counts[bucket] ?? 0),
    sumSeconds: 1,
  });
  const latency = (pickup: LatencyHistogram): QueueStats['latency'] => ({
    device: null,
    dispatch: counted({ 4: 100 }),
    pickup,
  });
  const queue = (counts: Readonly<Record<number, number>>): QueueStats => ({
    ...QUEUE,
    latency: latency(counted(counts)),
  });
  const before = { ...STATS, queues: [queue({ 0: 50 })] };
  const after = { ...STATS, queues: [queue({ 0: 50, 5: 10, 17: 10 })] };
  const view = topView({ ...SAMPLE, before, after }, TIME);
  const { device, dispatch, pickup } = view.queues[0]!.latency!;
  t.is(device, null);
  t.deepEqual(dispatch, { samples: 0, p50: null, p99: null });
  t.is(pickup!.samples, 20);
  t.is(pickup!.p50, 8e-6);
  t.true(pickup!.p99! > 0.032 && pickup!.p99! < 0.033);
  const text = renderTop(view).join('\n');
  t.regex(text, /^latency +device p50 +p99 +dispatch p50 +p99 +pickup p50 +p99$/m);
  t.regex(text, /^dns +- +- +- +- +8\.00 us +32\.4 ms$/m);
});

test("a ring's count that has come round is no step back", (t) => {
  const before: DispatcherStats = {
    ...STATS,
    deviceCounters: { ...STATS.deviceCounters, rings: [{ ...RING, rxPackets: 0xffff_fff0 }] },
  };
  const after: DispatcherStats = {
    ...STATS,
    deviceCounters: { ...STATS.deviceCounters, rings: [{ ...RING, rxPackets: 0x10 }] },
  };
  t.is(topView({ ...SAMPLE, before, after }, TIME).device.rings[0]!.rxPackets, 16);
});

test('a queue that was not there before has no rates yet', (t) => {
  const before = { ...STATS, queues: [] };
  t.is(topView({ ...SAMPLE, before }, TIME).queues[0]!.rxPackets, 0);
});

test('the table shows the device, its rings, the queues, and drops by reason', (t) => {
  const text = renderTop(topView(SAMPLE, TIME)).join('\n');
  t.regex(text, /^fake0 by fake \(in memory\), dispatcher 1, up 12 s, 25 % of a processor\n/);
  t.regex(text, /^ *0 +1\.00 k +16\/64 +100 +500 +8\/64$/m);
  t.regex(text, /^dns +isolated +900 +720\.00 k +500 +400\.00 k +25$/m);
  t.regex(text, /^77 +dns +1000 +10 % +25 % +25 % +13 % +3 +4 +20$/m);
  t.false(text.includes('latency'));
  t.regex(text, /^ {2}fake0: ringFull 10, runt 1, notPassed 2$/m);
  t.regex(text, /^ {2}dns: rxDropRingFull 5, noClient 20$/m);
});

test('the exception path is shown where there is one', (t) => {
  t.is(topView(SAMPLE, TIME).exception, null);
  const after = { ...SAMPLE.after, device: { ...STATS.device, exceptionInterface: 'nicshare0' } };
  const view = topView({ ...SAMPLE, after }, TIME);
  t.like(view.exception, { interface: 'nicshare0', toKernel: 30, fromKernel: 20 });
  const text = renderTop(view).join('\n');
  t.regex(text, /^nicshare0: to the kernel 30 packets\/s, from the kernel 20 packets\/s$/m);
  t.regex(text, /^ {2}nicshare0: down 4$/m);
});

test('without drops, clients, rings, or a look at the processor', (t) => {
  const { rings: _, ...deviceCounters } = STATS.deviceCounters;
  const stats = { ...STATS, deviceCounters };
  const sample = { before: stats, after: stats, seconds: 1, processorSeconds: new Map() };
  const lines = renderTop(topView(sample, TIME));
  t.is(lines[0], 'fake0 by fake (in memory), dispatcher 1, up 10 s');
  t.is(lines.at(-1), 'no drops');
  t.false(lines.some((line) => line.startsWith('ring')));
});

test('processor time is read behind a name with spaces and parentheses', (t) => {
  t.is(processorSecondsIn('7 (a) b) S 1 1 1 0 -1 4194304 99 0 0 0 150 50 0 0 20 0'), 2);
  t.true(processorSeconds(process.pid)! > 0);
  t.is(processorSeconds(2 ** 30), undefined);
});

test('a screen shows what fits, draws over in place, and leaves the terminal as it was', (t) => {
  let written = '';
  const screen = new Screen({
    columns: 5,
    rows: 2,
    write: (text: string) => {
      written += text;
    },
  });
  screen.draw(['abcdefgh', 'b', 'never']);
  screen.close();
  t.is(written, '\x1b[?1049h\x1b[?25l\x1b[Habcde\x1b[K\r\nb\x1b[K\x1b[J\x1b[?25h\x1b[?1049l');
});
