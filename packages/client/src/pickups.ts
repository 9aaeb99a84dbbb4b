import { type Clock, latencyBucket, layout, monotonicClock } from '@nicshare/shm';
import type { Attachment } from './attachment.js';

const CELL = 2;
const HIGH = 2 ** 32;

/**
 * Measures how long packets wait in the rxRing: the dispatcher leaves a sample beside its cursor, a slot and when it
 * was published; whoever takes that slot looks at the clock and counts. One sample at a time: those that come while
 * the ring is behind are left out.
 */
export class Pickups {
  readonly #cells: Int32Array;
  readonly #clock: Clock;
  readonly #number: number;
  readonly #slot: number;
  readonly #time: number;
  readonly #buckets: number;
  readonly #sum: number;
  #taken = 0;
  #seen = 0;
  #waiting = false;
  #waitsFor = 0;
  #published = 0;
  #total = 0;

  constructor({ buffer, dispatcherRegion, clientRegion }: Attachment, clock = monotonicClock()) {
    this.#cells = new Int32Array(buffer);
    this.#clock = clock;
    this.#number = (dispatcherRegion + layout.RX_SAMPLE_NUMBER) >> CELL;
    this.#slot = (dispatcherRegion + layout.RX_SAMPLE_CURSOR) >> CELL;
    this.#time = (dispatcherRegion + layout.RX_SAMPLE_TIME) >> CELL;
    this.#buckets = (clientRegion + layout.CLIENT_PICKUP) >> CELL;
    this.#sum = (clientRegion + layout.CLIENT_PICKUP_SUM) >> CELL;
  }

  /** To be called for slots `cursor` to `cursor + count - 1`; `seen` is the producer's cursor when it was last read. */
  take(cursor: number, count: number, seen: number): void {
    if (seen !== this.#seen) {
      this.#seen = seen;
      if (!this.#waiting) this.#look(cursor);
    }
    if (this.#waiting && ((this.#waitsFor - cursor) | 0) < count) this.#count();
  }

  /** Takes the latest sample over, where it is a new one, whole, and its slot has not been taken yet. */
  #look(cursor: number): void {
    const cells = this.#cells;
    const number = Atomics.load(cells, this.#number);
    if (number === this.#taken || number & 1) return;
    const slot = Atomics.load(cells, this.#slot);
    const low = Atomics.load(cells, this.#time) >>> 0;
    const high = Atomics.load(cells, this.#time + 1) >>> 0;
    if (Atomics.load(cells, this.#number) !== number) return;
    this.#taken = number;
    this.#waiting = ((slot - cursor) | 0) >= 0;
    this.#waitsFor = slot;
    this.#published = high * HIGH + low;
  }

  #count(): void {
    this.#waiting = false;
    const took = Math.max(this.#clock() - this.#published, 0);
    const bucket = this.#buckets + latencyBucket(took);
    this.#cells[bucket] = (this.#cells[bucket]! + 1) | 0;
    this.#total += took;
    this.#cells[this.#sum] = this.#total | 0;
    this.#cells[this.#sum + 1] = Math.floor(this.#total / HIGH);
  }
}
