import test from 'ava';
import { monotonicClock } from './clock.js';
import { LATENCY_BOUNDS_SECONDS, latencyBucket } from './latency.js';
import * as layout from './layout.js';

test('a bucket holds up to its bound, the last one the rest', (t) => {
  t.is(latencyBucket(0), 0);
  t.is(latencyBucket(layout.LATENCY_FIRST_BOUND), 0);
  t.is(latencyBucket(layout.LATENCY_FIRST_BOUND + 1), 1);
  LATENCY_BOUNDS_SECONDS.forEach((bound, bucket) => {
    t.is(latencyBucket(Math.round(bound * 1e9)), bucket);
  });
  t.is(latencyBucket(Number.POSITIVE_INFINITY), layout.LATENCY_BUCKETS - 1);
  t.is(LATENCY_BOUNDS_SECONDS.at(-1), 1.048576);
});

test('the clock is that of the machine, and never goes back', (t) => {
  const clock = monotonicClock();
  let last = Number(process.hrtime.bigint());
  for (let look = 0; look < 1000; look++) {
    const now = clock();
    t.true(now > last - 1e6, `${last}, then ${now}`);
    last = now;
  }
  const after = Number(process.hrtime.bigint());
  t.true(last < after + 1e6);
});
