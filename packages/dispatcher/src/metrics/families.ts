import type { DispatcherStats } from '../stats.js';
import { DEVICE_FAMILIES } from './device-families.js';
import { counter, type Family, gauge, type HistogramFamily } from './family.js';
import { LATENCY_FAMILIES } from './latency-families.js';
import { QUEUE_FAMILIES } from './queue-families.js';
import { STACK_FAMILIES } from './stack-families.js';

const whole =
  (value: (stats: DispatcherStats) => number): Family['samples'] =>
  (stats) => [[{}, value(stats)]];

const DISPATCHER: readonly Family[] = [
  gauge(
    'uptime_seconds',
    'Since the dispatcher started.',
    [],
    whole((stats) => stats.uptimeSeconds),
  ),
  gauge(
    'memory_budget_bytes',
    'Memory that all clients together may take.',
    [],
    whole(({ memory }) => memory.budget),
  ),
  gauge(
    'memory_used_bytes',
    'Memory that they take.',
    [],
    whole(({ memory }) => memory.used),
  ),
  counter('refusals', 'Refusals on the control and descriptor sockets.', ['reason'], ({ refusals }) =>
    Object.entries(refusals).map(([reason, count]) => [{ reason }, count]),
  ),
  counter(
    'ledger_error_frames',
    'Frames that ledgers of ended sessions were off by; other than 0 is a bug.',
    [],
    whole((stats) => stats.ledgerErrors),
  ),
];

/** Everything that DispatcherStats counts. */
export const FAMILIES: readonly (Family | HistogramFamily)[] = [
  ...DISPATCHER,
  ...DEVICE_FAMILIES,
  ...QUEUE_FAMILIES,
  ...LATENCY_FAMILIES,
  ...STACK_FAMILIES,
];
