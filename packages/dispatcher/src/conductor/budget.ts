import { overBudget } from './refusals.js';

/** Bytes that all sessions together may take. */
export class Budget {
  readonly limit: number;
  used = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Throws NicshareError OutOfMemory. */
  take(bytes: number): void {
    if (this.used + bytes > this.limit) throw overBudget(bytes, this.limit - this.used);
    this.used += bytes;
  }

  giveBack(bytes: number): void {
    this.used -= bytes;
  }
}
