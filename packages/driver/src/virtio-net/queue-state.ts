import type { Arena, Region } from '@nicshare/shm';
import { DRIVER_TABLES } from '../tables.js';
import { VIRTQUEUE_AVAILABLE, VIRTQUEUE_USED } from './queue-memory.js';
import * as T from './queue-table.js';
import type { Virtqueue } from './virtqueue.js';

/** What the queues of one ring have in common. */
export interface RingMemory {
  readonly arena: Arena;
  readonly region: Region;
  /** The table of the card's addresses. */
  readonly pages: number;
  readonly frameSize: number;
}

/** Bytes of a queue's records: which descriptors are free, and which frame each has. */
export const recordBytes = (size: number): number => size * 8;

/** A queue as the fast path knows it. */
export class QueueState {
  readonly size: number;
  readonly #cells: Uint32Array;
  readonly #usedIndex: Uint16Array;

  /** `at`: where the queue lies; `records`: where its records do. */
  constructor(queue: Virtqueue, at: number, records: number, memory: RingMemory) {
    const { buffer } = memory.arena.memory;
    const { number, size, notifyAt } = queue;
    this.size = size;
    const entry = DRIVER_TABLES + (number << T.QUEUE_SHIFT);
    this.#cells = new Uint32Array(buffer, entry, T.QUEUE_ENTRY_END / 4).fill(0);
    this.#usedIndex = new Uint16Array(buffer, at + VIRTQUEUE_USED + T.RING_INDEX, 1);
    this.set(T.REGION, memory.region.offset);
    this.set(T.PAGES, memory.pages);
    this.set(T.FRAME_SIZE, memory.frameSize);
    this.set(T.MASK, size - 1);
    this.set(T.DESCRIPTORS, at);
    this.set(T.AVAILABLE, at + VIRTQUEUE_AVAILABLE);
    this.set(T.USED, at + VIRTQUEUE_USED);
    this.set(T.NUMBER, number);
    this.set(T.NOTIFY_AT, notifyAt);
    this.set(T.IDS, records);
    this.set(T.SLOTS, records + size * 4);
    new Uint32Array(buffer, records, size).forEach((_, id, ids) => {
      ids[id] = id;
    });
    const available = new Uint16Array(buffer, at + VIRTQUEUE_AVAILABLE, 1);
    available[T.RING_FLAGS / 2] = T.AVAIL_F_NO_INTERRUPT;
  }

  set(cell: number, value: number): void {
    this.#cells[cell / 4] = value;
  }

  #get(cell: number): number {
    return this.#cells[cell / 4]!;
  }

  /** Entries of the used ring that were wrong, modulo 2^32. */
  get invalid(): number {
    return this.#get(T.INVALID);
  }

  /** Entries of the used ring that were right, modulo 2^32. */
  get returned(): number {
    return this.#get(T.DONE);
  }

  /** Buffers that the card says it is done with and nobody has looked at; never more than there are. */
  get pending(): number {
    return Math.min((this.#usedIndex[0]! - this.#get(T.SEEN)) & 0xffff, this.outstanding);
  }

  /** Buffers that were made ready and have not come back. */
  get outstanding(): number {
    return (this.#get(T.NEXT) - this.#get(T.DONE)) >>> 0;
  }
}
