import type { DispatcherStats } from '@nicshare/dispatcher';
import type { Cleanup } from './cleanup.js';
import type { TrafficTally } from './flow.js';

/** A running dispatcher and where its packets come from. */
export interface Stage {
  readonly socket: string;
  /** What was done with the packets, at the head of the account. */
  readonly verb: 'sent' | 'replayed';
  stats(): Promise<DispatcherStats>;
  startTraffic(): Promise<void>;
  /** Resolves when no answer is on its way any more. */
  stopTraffic(): Promise<TrafficTally>;
  /** Rejects when a part of the stage ends too early. */
  readonly failed: Promise<never>;
}

export interface StageOptions {
  /** How long it is to play. */
  readonly seconds: number;
  /** A directory of the demo's own that all users can enter. */
  readonly directory: string;
  readonly cleanup: Cleanup;
  /** Takes a line for the spectator. */
  readonly say: (line: string) => void;
}
