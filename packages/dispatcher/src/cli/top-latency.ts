import { latencySamples } from '@nicshare/shm';
import { latenciesSince, latencyQuantile } from '../latency/quantile.js';
import { type QueueLatency, STAGES, type Stage } from '../latency/stages.js';
import type { QueueStats } from '../stats.js';
import { formatTable } from './table.js';

/** A stage in one interval; seconds, null where nothing was sampled. */
export interface StageView {
  readonly samples: number;
  readonly p50: number | null;
  readonly p99: number | null;
}

/** The stages in their order; null where the device tells no times. */
export type LatencyView = Readonly<Record<Stage, StageView | null>>;

/** Of an interval; null where no samples are taken. */
export function latencyView(before: QueueStats, after: QueueStats): LatencyView | null {
  const { latency } = after;
  if (!latency) return null;
  const view = (stage: Stage): StageView | null => stageView(before.latency, latency, stage);
  return { device: view('device'), dispatch: view('dispatch'), pickup: view('pickup') };
}

function stageView(before: QueueLatency | null, after: QueueLatency, stage: Stage): StageView | null {
  const now = after[stage];
  if (!now) return null;
  const interval = latenciesSince(before?.[stage] ?? now, now);
  return {
    samples: latencySamples(interval),
    p50: latencyQuantile(interval, 0.5),
    p99: latencyQuantile(interval, 0.99),
  };
}

const HEAD = ['latency', ...STAGES.flatMap((stage) => [`${stage} p50`, 'p99'])];

/** The lines of the table; none where no samples are taken. */
export function latencyTable(
  queues: readonly { readonly name: string; readonly latency: LatencyView | null }[],
): string[] {
  const rows = queues.flatMap(({ name, latency }) =>
    latency
      ? [[name, ...STAGES.flatMap((stage) => [duration(latency[stage]?.p50), duration(latency[stage]?.p99)])]]
      : [],
  );
  return rows.length === 0 ? [] : [formatTable(HEAD, rows, 1), ''];
}

/** 0.0000123 as '12.3 us'. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return '-';
  for (const [unit, size] of [
    ['s', 1],
    ['ms', 1e-3],
    ['us', 1e-6],
  ] as const)
    if (seconds >= size) return `${threeDigits(seconds / size)} ${unit}`;
  return `${(seconds * 1e9).toFixed(0)} ns`;
}

const threeDigits = (value: number): string => value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2);
