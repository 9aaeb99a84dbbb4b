import type { LatencyHistogram } from '@nicshare/shm';
import type { DispatcherStats } from '../stats.js';

export type Labels = Readonly<Record<string, string>>;
export type Samples = (readonly [Labels, number])[];

/** A metric family: a name without the `_total` that OpenMetrics adds to counters, and its samples. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly labels: readonly string[];
  samples(stats: DispatcherStats): Samples;
}

/** A family of histograms, all with the bounds of LATENCY_BOUNDS_SECONDS. */
export interface HistogramFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'histogram';
  readonly labels: readonly string[];
  samples(stats: DispatcherStats): (readonly [Labels, LatencyHistogram])[];
}

export const counter = (
  name: string,
  help: string,
  labels: readonly string[],
  samples: Family['samples'],
): Family => ({
  name: `nicshare_${name}`,
  help,
  type: 'counter',
  labels,
  samples,
});

export const gauge = (
  name: string,
  help: string,
  labels: readonly string[],
  samples: Family['samples'],
): Family => ({
  ...counter(name, help, labels, samples),
  type: 'gauge',
});

export const histogram = (
  name: string,
  help: string,
  labels: readonly string[],
  samples: HistogramFamily['samples'],
): HistogramFamily => ({
  name: `nicshare_${name}`,
  help,
  type: 'histogram',
  labels,
  samples,
});
