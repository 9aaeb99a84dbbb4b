/** Where a ring's cursors stand: indices of u32 cells, each in the memory of the side that writes it. */
export interface RingCursors {
  readonly producer: number;
  readonly consumer: number;
  /** Entries; a power of two. */
  readonly size: number;
}

/**
 * The producing side of a single-producer single-consumer ring. It owns the slots from its own cursor up to the
 * consumer's plus `size`. Write slots `cursor` to `cursor + n - 1` (masked), then `submit(n)`.
 */
export class RingProducer {
  readonly mask: number;
  /** Next slot to write; free-running u32. */
  cursor: number;
  readonly #cells: Int32Array;
  readonly #producer: number;
  readonly #consumer: number;
  readonly #size: number;
  #seenConsumer: number;

  constructor(cells: Int32Array, cursors: RingCursors) {
    this.#cells = cells;
    this.#producer = cursors.producer;
    this.#consumer = cursors.consumer;
    this.#size = cursors.size;
    this.mask = cursors.size - 1;
    this.cursor = Atomics.load(cells, cursors.producer);
    this.#seenConsumer = Atomics.load(cells, cursors.consumer);
  }

  /** How many slots may be written now: `wanted`, or fewer where the ring has not as many free. */
  reserve(wanted: number): number {
    let free = this.#size - ((this.cursor - this.#seenConsumer) | 0);
    if (free < wanted) {
      this.#seenConsumer = Atomics.load(this.#cells, this.#consumer);
      free = this.#size - ((this.cursor - this.#seenConsumer) | 0);
    }
    return Math.min(free, wanted);
  }

  /** Hands `count` written slots to the consumer. */
  submit(count: number): void {
    this.cursor = (this.cursor + count) | 0;
    Atomics.store(this.#cells, this.#producer, this.cursor);
  }

  /** Whether the consumer has taken all. */
  get drained(): boolean {
    return Atomics.load(this.#cells, this.#consumer) === this.cursor;
  }
}
