import { STAGES } from '../latency/stages.js';
import { type HistogramFamily, histogram } from './family.js';

const stages: HistogramFamily['samples'] = ({ queues }) =>
  queues.flatMap(({ name, latency }) =>
    STAGES.flatMap((stage) => {
      const measured = latency?.[stage];
      return measured ? [[{ queue: name, stage }, measured] as const] : [];
    }),
  );

/** How long packets take, by stage. */
export const LATENCY_FAMILIES: readonly HistogramFamily[] = [
  histogram(
    'latency_seconds',
    'Samples of received packets: device (until the dispatcher takes them), dispatch (into the rxRing), pickup (until the client takes them, as it says itself).',
    ['queue', 'stage'],
    stages,
  ),
];
