import { Counter, Gauge, type OpenMetricsContentType, Registry } from 'prom-client';
import type { DispatcherStats } from '../stats.js';
import { FAMILIES } from './families.js';
import { histogramMetric } from './histogram-metric.js';

/** The OpenMetrics text format 1.0.0. */
export const CONTENT_TYPE = Registry.OPENMETRICS_CONTENT_TYPE;

/** Writes what a dispatcher has counted as OpenMetrics text. */
export function expose(stats: DispatcherStats): Promise<string> {
  const registry = new Registry<OpenMetricsContentType>();
  registry.setContentType(CONTENT_TYPE);
  const registers = [registry];
  for (const family of FAMILIES) {
    const { name, help } = family;
    if (family.type === 'histogram') {
      registry.registerMetric(histogramMetric(name, help, family.samples(stats)));
      continue;
    }
    const { type, labels, samples } = family;
    const labelNames = [...labels];
    if (type === 'counter') {
      const metric = new Counter({ name, help, labelNames, registers });
      for (const [values, count] of samples(stats)) metric.inc(values, count);
    } else {
      const metric = new Gauge({ name, help, labelNames, registers });
      for (const [values, value] of samples(stats)) metric.set(values, value);
    }
  }
  return registry.metrics();
}
