import { libc } from '../sys/index.js';

/** How long a loop without work spins and yields before it sleeps; both are counts of turns. */
export interface IdleOptions {
  readonly spins: number;
  readonly yields: number;
}

/** Decides what a poll loop does with a turn: spin, yield the processor, then sleep. */
export class IdleStrategy {
  readonly #spins: number;
  readonly #sleepAfter: number;
  #idleTurns = 0;

  constructor(options: IdleOptions) {
    this.#spins = options.spins;
    this.#sleepAfter = options.spins + options.yields;
  }

  /** Takes the turn's work count; returns true where it is time to sleep. */
  idle(workDone: number): boolean {
    if (workDone > 0) {
      this.#idleTurns = 0;
      return false;
    }
    this.#idleTurns++;
    if (this.#idleTurns <= this.#spins) return false;
    if (this.#idleTurns <= this.#sleepAfter) {
      libc.schedYield();
      return false;
    }
    return true;
  }

  /** To be called after a sleep. */
  reset(): void {
    this.#idleTurns = 0;
  }
}
