import { type LatencyHistogram, readLatencies } from '@nicshare/shm';
import { queueLatencies } from '../dataplane/session-table.js';
import * as T from '../dataplane/tables.js';

/** The way of a received packet to a client, in its order. */
export const STAGES = ['device', 'dispatch', 'pickup'] as const;
export type Stage = (typeof STAGES)[number];

/** Samples of how long packets of a queue took, over all its sessions. */
export interface QueueLatency extends Record<Stage, LatencyHistogram | null> {
  /** From the device's own time of a packet until the dispatcher took it; null where the device tells no times. */
  readonly device: LatencyHistogram | null;
  /** From there until it stood in a client's rxRing. */
  readonly dispatch: LatencyHistogram;
  /** From there until the client took it, as clients say themselves. */
  readonly pickup: LatencyHistogram;
}

/** Reads the stages that the dataplane measures. */
export function readStages(
  view: DataView,
  queue: number,
): Pick<QueueLatency, 'dispatch'> & { device: LatencyHistogram } {
  const at = queueLatencies(queue);
  return {
    device: readLatencies(view, at + T.LATENCY_DEVICE),
    dispatch: readLatencies(view, at + T.LATENCY_DISPATCH),
  };
}
