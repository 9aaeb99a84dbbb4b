import type { DispatcherStats } from '@nicshare/dispatcher';
import type { Cleanup } from './cleanup.js';
import type { TrafficTally } from './flow.js';

/** A running dispatcher and, at the far side of its device, who sends. */
export interface Stage {
  readonly socket: string;
  stats(): Promise<DispatcherStats>;
  startTraffic(): Promise<void>;
  /** Resolves when no answer is on its way any more. */
  stopTraffic(): Promise<TrafficTally>;
  /** Rejects when a part of the stage ends too early. */
  readonly failed: Promise<never>;
}

export interface StageOptions {
  /** A directory of the demo's own that all users can enter. */
  readonly directory: string;
  readonly cleanup: Cleanup;
  /** Takes a line for the spectator. */
  readonly say: (line: string) => void;
}
