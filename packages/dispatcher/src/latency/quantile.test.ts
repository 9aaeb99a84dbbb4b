import { LATENCY_BOUNDS_SECONDS, type LatencyHistogram, NO_LATENCIES } from '@nicshare/shm';
import test from 'ava';
import { latenciesSince, latencyQuantile } from './quantile.js';

const histogram = (counts: Readonly<Record<number, number>>): LatencyHistogram => ({
  buckets: NO_LATENCIES.buckets.map((_, bucket) => counts[bucket] ?? 0),
  sumSeconds: 1,
});

const near = (value: number | null, expected: number): boolean => Math.abs(value! - expected) < 1e-12;

test('a quantile lies within its bucket, as far as its share of the samples', (t) => {
  t.true(near(latencyQuantile(histogram({ 0: 10 }), 0.5), 125e-9));
  t.true(near(latencyQuantile(histogram({ 2: 4 }), 0.5), 750e-9));
  t.true(near(latencyQuantile(histogram({ 0: 98, 3: 2 }), 0.99), 1500e-9));
  t.true(near(latencyQuantile(histogram({ 0: 50, 1: 50 }), 0.5), 250e-9));
});

test('what took longer than the last bound counts as that, and nothing has no quantile', (t) => {
  const last = LATENCY_BOUNDS_SECONDS.length;
  t.is(latencyQuantile(histogram({ 0: 1, [last]: 9 }), 0.5), LATENCY_BOUNDS_SECONDS.at(-1)!);
  t.is(latencyQuantile(NO_LATENCIES, 0.5), null);
});

test('an interval holds what was counted in it, and never less than nothing', (t) => {
  const since = latenciesSince(histogram({ 1: 5, 2: 7 }), { ...histogram({ 1: 9, 2: 3 }), sumSeconds: 3 });
  t.deepEqual(since, { ...histogram({ 1: 4 }), sumSeconds: 2 });
});
