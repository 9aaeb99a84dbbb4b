import {
  Counter,
  Gauge,
  type OpenMetricsContentType,
  type PrometheusContentType,
  Registry,
  type RegistryContentType,
} from 'prom-client';
import type { DispatcherStats } from '../stats.js';
import { FAMILIES } from './families.js';
import { histogramMetric } from './histogram-metric.js';

/** The OpenMetrics text format 1.0.0. */
const OPENMETRICS: OpenMetricsContentType = Registry.OPENMETRICS_CONTENT_TYPE;
/** Prometheus' own text format 0.0.4, for scrapers that know no other. */
const PROMETHEUS: PrometheusContentType = Registry.PROMETHEUS_CONTENT_TYPE;

/** The format for a scraper that accepts this (RFC 9110, section 12.5.1). */
export const contentTypeFor = (accept = ''): RegistryContentType =>
  accept.includes('text/plain') && !accept.includes('application/openmetrics-text')
    ? PROMETHEUS
    : OPENMETRICS;

/** Writes what a dispatcher has counted as text. */
export function expose(
  stats: DispatcherStats,
  contentType: RegistryContentType = OPENMETRICS,
): Promise<string> {
  const registry = new Registry<RegistryContentType>();
  registry.setContentType(contentType);
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
      const metric = new Counter({ name: `${name}_total`, help, labelNames, registers });
      for (const [values, count] of samples(stats)) metric.inc(values, count);
    } else {
      const metric = new Gauge({ name, help, labelNames, registers });
      for (const [values, value] of samples(stats)) metric.set(values, value);
    }
  }
  return registry.metrics();
}
