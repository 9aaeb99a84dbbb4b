import { LATENCY_BOUNDS_SECONDS, type LatencyHistogram, latencySamples } from '@nicshare/shm';

/** What was counted since an earlier look; nothing where a histogram went back. */
export const latenciesSince = (before: LatencyHistogram, after: LatencyHistogram): LatencyHistogram => ({
  buckets: after.buckets.map((count, bucket) => Math.max(count - before.buckets[bucket]!, 0)),
  sumSeconds: Math.max(after.sumSeconds - before.sumSeconds, 0),
});

/**
 * The seconds that a share of the samples did not exceed, null where there are none. Samples are taken as spread
 * evenly within a bucket, and those above the last bound as that long: Prometheus' histogram_quantile says the same.
 */
export function latencyQuantile(histogram: LatencyHistogram, share: number): number | null {
  const total = latencySamples(histogram);
  if (total === 0) return null;
  let left = share * total;
  for (const [bucket, bound] of LATENCY_BOUNDS_SECONDS.entries()) {
    const count = histogram.buckets[bucket]!;
    if (count > 0 && left <= count) {
      const below = LATENCY_BOUNDS_SECONDS[bucket - 1] ?? 0;
      return below + (bound - below) * (left / count);
    }
    left -= count;
  }
  return LATENCY_BOUNDS_SECONDS.at(-1)!;
}
