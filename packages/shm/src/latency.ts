import * as L from './layout.js';

/** Samples of a latency, counted by how long it took; bucket for bucket as layout.ts says. */
export interface LatencyHistogram {
  /** Samples of each bucket alone; LATENCY_BUCKETS of them. */
  readonly buckets: readonly number[];
  /** Of all samples together. */
  readonly sumSeconds: number;
}

const NANOSECONDS = 1e9;

/** The most that each bucket but the last holds, in nanoseconds. */
const BOUNDS = Array.from({ length: L.LATENCY_BOUNDS }, (_, bucket) => L.LATENCY_FIRST_BOUND * 2 ** bucket);

/** The same in seconds. */
export const LATENCY_BOUNDS_SECONDS: readonly number[] = BOUNDS.map((bound) => bound / NANOSECONDS);

export const NO_LATENCIES: LatencyHistogram = {
  buckets: Array.from({ length: L.LATENCY_BUCKETS }, () => 0),
  sumSeconds: 0,
};

/** The bucket of a latency. */
export function latencyBucket(nanoseconds: number): number {
  let bucket = 0;
  while (bucket < L.LATENCY_BOUNDS && nanoseconds > BOUNDS[bucket]!) bucket++;
  return bucket;
}

/** Samples of a histogram. */
export const latencySamples = ({ buckets }: LatencyHistogram): number =>
  buckets.reduce((sum, count) => sum + count, 0);

export const sumLatencies = (a: LatencyHistogram, b: LatencyHistogram): LatencyHistogram => ({
  buckets: a.buckets.map((count, bucket) => count + b.buckets[bucket]!),
  sumSeconds: a.sumSeconds + b.sumSeconds,
});

/** Reads u64 buckets and the sum behind them, in nanoseconds; our own memory, where nobody else writes. */
export function readLatencies(memory: DataView, offset: number): LatencyHistogram {
  const cell = (index: number): number => Number(memory.getBigUint64(offset + index * 8, true));
  return {
    buckets: NO_LATENCIES.buckets.map((_, bucket) => cell(bucket)),
    sumSeconds: cell(L.LATENCY_BUCKETS) / NANOSECONDS,
  };
}

/** Reads what a client says of its pickups: any numbers at all, but finite and not negative. */
export function readPickups(memory: DataView, clientRegion: number): LatencyHistogram {
  const cell = (offset: number): number => memory.getUint32(clientRegion + offset, true);
  return {
    buckets: NO_LATENCIES.buckets.map((_, bucket) => cell(L.CLIENT_PICKUP + bucket * 4)),
    sumSeconds: (cell(L.CLIENT_PICKUP_SUM) + cell(L.CLIENT_PICKUP_SUM + 4) * 2 ** 32) / NANOSECONDS,
  };
}
