import type { RingCursors } from './producer.js';

/**
 * The consuming side of a single-producer single-consumer ring. It owns the slots from its own cursor up to the
 * producer's. `peek`, read slots `cursor` to `cursor + n - 1` (masked), then `release(n)`.
 */
export class RingConsumer {
  readonly mask: number;
  /** Next slot to read; free-running u32. */
  cursor: number;
  readonly #cells: Int32Array;
  readonly #producer: number;
  readonly #consumer: number;
  /** The producer's cursor when it was last read; free-running u32. */
  seen: number;

  constructor(cells: Int32Array, cursors: RingCursors) {
    this.#cells = cells;
    this.#producer = cursors.producer;
    this.#consumer = cursors.consumer;
    this.mask = cursors.size - 1;
    this.cursor = Atomics.load(cells, cursors.consumer);
    this.seen = this.cursor;
  }

  /** How many slots may be read now: `wanted`, or fewer where the ring holds not as many. */
  peek(wanted: number): number {
    let filled = (this.seen - this.cursor) | 0;
    if (filled < wanted) {
      this.seen = Atomics.load(this.#cells, this.#producer);
      filled = (this.seen - this.cursor) | 0;
    }
    return Math.min(filled, wanted);
  }

  /** Gives `count` read slots back to the producer. */
  release(count: number): void {
    this.cursor = (this.cursor + count) | 0;
    Atomics.store(this.#cells, this.#consumer, this.cursor);
  }
}
