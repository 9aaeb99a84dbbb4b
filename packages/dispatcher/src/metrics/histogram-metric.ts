import { LATENCY_BOUNDS_SECONDS, type LatencyHistogram, latencySamples } from '@nicshare/shm';
import type { Metric } from 'prom-client';
import type { Labels } from './family.js';

type Value = { readonly metricName: string; readonly labels: Labels; readonly value: number };

/** One sample more than there are bounds: OpenMetrics counts upwards, each bucket with all below it. */
function valuesOf(name: string, labels: Labels, histogram: LatencyHistogram): Value[] {
  const total = latencySamples(histogram);
  let below = 0;
  const buckets = LATENCY_BOUNDS_SECONDS.map((bound, bucket) => {
    below += histogram.buckets[bucket]!;
    return { metricName: `${name}_bucket`, labels: { ...labels, le: String(bound) }, value: below };
  });
  return [
    ...buckets,
    { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: total },
    { metricName: `${name}_sum`, labels, value: histogram.sumSeconds },
    { metricName: `${name}_count`, labels, value: total },
  ];
}

/** A histogram that is filled already: prom-client's own counts one observation after the other. */
export function histogramMetric(
  name: string,
  help: string,
  samples: readonly (readonly [Labels, LatencyHistogram])[],
): Metric {
  const values = samples.flatMap(([labels, histogram]) => valuesOf(name, labels, histogram));
  const described = { name, help, type: 'histogram', aggregator: 'sum', values };
  return { ...described, get: async () => described } as unknown as Metric;
}
