import { layout, wake } from '@nicshare/shm';
import type { ActiveSession } from './sessions.js';
import * as T from './tables.js';

/** Sends the wakeups that the steps found due, no client more often than the interval allows. */
export class Waker {
  readonly #cells: Uint32Array;
  readonly #counters: BigUint64Array;
  readonly #intervalMs: number;
  readonly #dueCell: number;

  /** `dueCount`: where in the plane's table the steps count the wakeups that are due. */
  constructor(memory: WebAssembly.Memory, intervalMicroseconds: number, dueCount = T.PLANE_WAKEUPS_DUE) {
    this.#cells = new Uint32Array(memory.buffer);
    this.#counters = new BigUint64Array(memory.buffer);
    this.#intervalMs = intervalMicroseconds / 1000;
    this.#dueCell = (T.PLANE + dueCount) >> 2;
  }

  /** Whether clients wait for a wakeup whose time has not come yet. */
  get due(): boolean {
    return this.#cells[this.#dueCell] !== 0;
  }

  /** Microseconds from one wakeup of a client to the next, at least. */
  get interval(): number {
    return this.#intervalMs * 1000;
  }

  /** Wakes who may be woken now; the rest stay due. Returns how many were woken. */
  send(sessions: readonly ActiveSession[]): number {
    if (!this.due) return 0;
    const now = performance.now();
    let sent = 0;
    let left = 0;
    for (const session of sessions) {
      const rx = this.#cells[(session.record + T.SESSION_DUE_RX) >> 2]!;
      const tx = this.#cells[(session.record + T.SESSION_DUE_TX) >> 2]!;
      if ((rx | tx) === 0) continue;
      if (now - session.lastWakeup < this.#intervalMs) {
        left++;
      } else {
        this.#wake(session, now, rx, tx);
        sent++;
      }
    }
    this.#cells[this.#dueCell] = left;
    return sent;
  }

  #wake(session: ActiveSession, now: number, rx: number, tx: number): void {
    const cell = session.record >> 2;
    if (rx !== 0) this.#cells[cell + (T.SESSION_WOKEN_RX >> 2)] = rx;
    if (tx !== 0) this.#cells[cell + (T.SESSION_WOKEN_TX >> 2)] = tx;
    this.#cells[cell + (T.SESSION_DUE_RX >> 2)] = 0;
    this.#cells[cell + (T.SESSION_DUE_TX >> 2)] = 0;
    session.lastWakeup = now;
    const sent = wake(session.wakeFd) === 'sent';
    this.count(session, sent ? layout.COUNTER_WAKEUPS : layout.COUNTER_WAKEUPS_REFUSED, 1);
  }

  /** Adds to a counter of the session; for counters that change rarely. */
  count(session: ActiveSession, counter: number, amount: number): void {
    this.#counters[(session.dispatcherRegion + layout.COUNTERS + counter * 8) / 8]! += BigInt(amount);
  }
}
