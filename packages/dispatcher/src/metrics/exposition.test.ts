import {
  LATENCY_BOUNDS_SECONDS,
  type LatencyHistogram,
  latencyBucket,
  NO_COUNTERS,
  NO_LATENCIES,
} from '@nicshare/shm';
import test from 'ava';
import type { DispatcherStats, QueueStats } from '../stats.js';
import { expose } from './exposition.js';

/** Counters of which each has another value. */
const TOTALS = Object.fromEntries(
  Object.keys(NO_COUNTERS).map((name, index) => [name, 1000 + index]),
) as unknown as typeof NO_COUNTERS;

/** Samples of so many nanoseconds. */
const measured = (...samples: number[]): LatencyHistogram => ({
  buckets: NO_LATENCIES.buckets.map(
    (_, bucket) => samples.filter((ns) => latencyBucket(ns) === bucket).length,
  ),
  sumSeconds: samples.reduce((sum, ns) => sum + ns / 1e9, 0),
});

const QUEUE: QueueStats = {
  name: 'a "quoted" name',
  mode: 'isolated',
  match: 'any',
  priority: 1,
  client: {
    session: 1,
    pid: 7,
    uid: 0,
    trusted: true,
    attachedSeconds: 2001,
    pageSize: 4096,
    counters: TOTALS,
    backPressure: 2002,
    frames: { total: 6009, free: 2003, inRing: 2004, client: 2005 },
    txWaiting: 2008,
    txSize: 2009,
  },
  totals: TOTALS,
  dropNoClient: 2006,
  violations: 2007,
  latency: { device: null, dispatch: measured(100, 900), pickup: measured(250, 251, 5e9) },
};

const STATS: DispatcherStats = {
  pid: 1,
  uptimeSeconds: 3001,
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
  deviceCounters: {
    link: 'down',
    rxDropped: { ringFull: 3002 },
    txDropped: { runt: 3003 },
    rings: [
      {
        rxSize: 4001,
        rxWaiting: 4002,
        rxFree: 4003,
        rxPackets: 4004,
        txSize: 4005,
        txWaiting: 4006,
        txPackets: 4007,
      },
    ],
  },
  plane: {
    received: 5001,
    receivedBytes: 5002,
    notPassed: 5003,
    unmatchedDropped: 5004,
    sent: 5005,
    exceptionToKernel: 5010,
    exceptionFromKernel: 5011,
    exceptionDropped: { full: 5012, down: 5013, gone: 5014, refused: 5015, runt: 5016, oversized: 5017 },
  },
  memory: { budget: 5006, used: 5007 },
  latency: { intervalMicroseconds: 6001, boundsSeconds: LATENCY_BOUNDS_SECONDS },
  refusals: { QueueBusy: 5008 },
  stack: {
    interface: 'card0',
    generation: 0,
    neighbours: 7001,
    routes: 7002,
    addresses: 7003,
    leftOut: 7004,
    refreshes: 7005,
    overruns: 7006,
    requests: 7007,
    asked: 7008,
    failures: 7009,
    timeouts: 7010,
  },
  ledgerErrors: 5009,
  taps: [],
  queues: [
    QUEUE,
    { ...QUEUE, name: 'b', client: null, totals: NO_COUNTERS, dropNoClient: 0, violations: 0, latency: null },
  ],
};

const SAMPLE = /^(nicshare_[a-z_]+)(\{(?:[a-z]+="(?:[^"\\]|\\.)*",?)+\})? (\S+)$/;

/** What OpenMetrics appends to the name of a family of each type. */
const SUFFIXES: Readonly<Record<string, string>> = {
  counter: '_total',
  gauge: '',
  histogram: '_bucket|_sum|_count',
};

test('the text keeps to OpenMetrics: families in one piece, counters end in _total, and the end is marked', async (t) => {
  const lines = (await expose(STATS)).split('\n');
  t.deepEqual(lines.slice(-2), ['# EOF', '']);
  const seen = new Set<string>();
  let family = '';
  let type = '';
  for (const line of lines.slice(0, -2)) {
    const described = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (described?.[1] === 'HELP') {
      family = described[2]!;
      t.false(seen.has(family), family);
      seen.add(family);
    } else if (described) type = described[3]!;
    else {
      const [, name, , value] = SAMPLE.exec(line) ?? [];
      t.regex(name!, new RegExp(`^${family}(${SUFFIXES[type]})$`), line);
      t.true(Number.isFinite(Number(value)), line);
    }
  }
  t.true(seen.size > 30);
});

/** Every number in a value, but those that name something. */
function* numbersIn(value: unknown): Generator<number> {
  if (typeof value === 'number') yield value;
  else if (typeof value === 'object' && value !== null)
    for (const inner of Object.values(value)) yield* numbersIn(inner);
}

test('every counter of DispatcherStats is exposed', async (t) => {
  const text = await expose(STATS);
  const { plane, memory, refusals, ledgerErrors, deviceCounters, uptimeSeconds } = STATS;
  const { generation: __, ...stack } = STATS.stack!;
  const { totals, dropNoClient, violations, client } = QUEUE;
  const { attachedSeconds, pageSize, backPressure, frames, txWaiting, txSize } = client!;
  const { total: _, ...places } = frames;
  const counted = [
    plane,
    memory,
    refusals,
    ledgerErrors,
    deviceCounters,
    uptimeSeconds,
    totals,
    dropNoClient,
    stack,
  ];
  for (const number of numbersIn([
    counted,
    violations,
    attachedSeconds,
    pageSize,
    backPressure,
    places,
    txWaiting,
    txSize,
  ]))
    t.regex(text, new RegExp(` ${number}$`, 'm'));
});

test('queues, reasons and the device are labels', async (t) => {
  const text = await expose(STATS);
  for (const line of [
    'nicshare_queue_dropped_packets_total{queue="a \\"quoted\\" name",direction="rx",reason="no_client"} 2006',
    'nicshare_device_dropped_packets_total{device="fake0",direction="rx",reason="ringFull"} 3002',
    'nicshare_device_link_up{device="fake0"} 0',
    'nicshare_unclaimed_packets_total{device="fake0",reason="not_passed"} 5003',
    'nicshare_exception_packets_total{device="fake0",direction="from_kernel"} 5011',
    'nicshare_exception_dropped_packets_total{device="fake0",reason="full"} 5012',
    'nicshare_ring_rx_waiting_packets{device="fake0",ring="0"} 4002',
    'nicshare_client_frames{queue="a \\"quoted\\" name",state="in_ring"} 2004',
    'nicshare_queue_attached{queue="b"} 0',
    'nicshare_refusals_total{reason="QueueBusy"} 5008',
  ])
    t.true(text.split('\n').includes(line), line);
  t.false(text.includes('nicshare_client_frames{queue="b"'));
});

test('latencies are histograms, counted upwards; a stage that nobody can measure is left out', async (t) => {
  const lines = (await expose(STATS)).split('\n');
  const values = (stage: string): string[] =>
    lines.flatMap((line) => {
      const prefix = 'nicshare_latency_seconds_';
      return line.startsWith(prefix) && line.includes(`stage="${stage}"`) ? [line.slice(prefix.length)] : [];
    });
  t.deepEqual(values('device'), []);
  const pickup = values('pickup');
  t.is(pickup.length, LATENCY_BOUNDS_SECONDS.length + 3);
  const labels = 'queue="a \\"quoted\\" name",stage="pickup"';
  t.is(pickup[0], `bucket{${labels},le="2.5e-7"} 1`);
  t.is(pickup[1], `bucket{${labels},le="5e-7"} 2`);
  t.is(pickup.at(-4), `bucket{${labels},le="1.048576"} 2`);
  t.is(pickup.at(-3), `bucket{${labels},le="+Inf"} 3`);
  t.is(pickup.at(-1), `count{${labels}} 3`);
  t.is(Number(values('dispatch').at(-2)!.split(' ').at(-1)), 0.000001);
});
