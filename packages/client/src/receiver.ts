import { layout, NicshareError, RingConsumer, RingProducer } from '@nicshare/shm';
import type { Attachment } from './attachment.js';
import { Batch } from './batch.js';
import { Pickups } from './pickups.js';

const CELL = 2;

/** The receiving half of a port: takes packets out of the rxRing and gives their frames back by the fillRing. */
export class Receiver {
  readonly #attachment: Attachment;
  readonly #debug: boolean;
  readonly #cells: Int32Array;
  readonly #words: Uint32Array;
  readonly #rxRing: RingConsumer;
  readonly #fillRing: RingProducer;
  readonly #descriptors: number;
  readonly #entries: number;
  readonly #state: number;
  readonly #sleepCell: number;
  /** Missing where the dispatcher takes no samples. */
  readonly #pickups: Pickups | undefined;

  constructor(attachment: Attachment, debug: boolean) {
    const { buffer, dispatcherRegion, clientRegion, shape } = attachment;
    this.#attachment = attachment;
    this.#debug = debug;
    this.#cells = new Int32Array(buffer);
    this.#words = new Uint32Array(buffer);
    this.#rxRing = new RingConsumer(this.#cells, {
      producer: (dispatcherRegion + layout.RX_PRODUCER) >> CELL,
      consumer: (clientRegion + layout.RX_CONSUMER) >> CELL,
      size: shape.ringSize,
    });
    this.#fillRing = new RingProducer(this.#cells, {
      producer: (clientRegion + layout.FILL_PRODUCER) >> CELL,
      consumer: (dispatcherRegion + layout.FILL_CONSUMER) >> CELL,
      size: shape.rxFrames,
    });
    this.#descriptors = (dispatcherRegion + shape.rxDescriptors) >> CELL;
    this.#entries = (clientRegion + shape.fillEntries) >> CELL;
    this.#state = (dispatcherRegion + layout.SESSION_STATE) >> CELL;
    this.#sleepCell = (clientRegion + layout.CLIENT_SLEEP_RX) >> CELL;
    this.#pickups = attachment.sampled ? new Pickups(attachment) : undefined;
  }

  createBatch(capacity: number): Batch {
    return new Batch(this.#attachment.rxBytes(), capacity);
  }

  /** Fills an empty batch; returns the count, 0 where no packet waits. Throws where the batch is not empty. */
  rxBurst(batch: Batch): number {
    if (batch.count !== 0) throw notReleased();
    const ring = this.#rxRing;
    const count = ring.peek(batch.capacity);
    if (count <= 0) return 0;
    const words = this.#words;
    const { offset, length, flags } = batch;
    const first = this.#descriptors;
    const { cursor, mask } = ring;
    for (let i = 0; i < count; i++) {
      const at = first + ((cursor + i) & mask) * 2;
      const lengthAndFlags = words[at + 1]!;
      offset[i] = words[at]!;
      length[i] = lengthAndFlags & 0xffff;
      flags[i] = lengthAndFlags >>> 16;
    }
    this.#pickups?.take(cursor, count, ring.seen);
    ring.release(count);
    batch.count = count;
    return count;
  }

  /** Gives a batch's frames back; an empty batch is left alone. */
  release(batch: Batch): void {
    const { count, offset } = batch;
    if (count === 0) return;
    const ring = this.#fillRing;
    const words = this.#words;
    const first = this.#entries;
    const { cursor, mask } = ring;
    for (let i = 0; i < count; i++) words[first + ((cursor + i) & mask)] = offset[i]!;
    ring.submit(count);
    batch.clear(this.#debug);
  }

  get readable(): boolean {
    return this.#rxRing.peek(1) > 0;
  }

  /** Whether the dispatcher has ended the session; packets that it delivered before are still in the ring. */
  get ended(): boolean {
    return Atomics.load(this.#cells, this.#state) !== layout.STATE_ATTACHED;
  }

  /** Asks for a wakeup when packets come; `epoch` is new and not 0. */
  announceSleep(epoch: number): void {
    Atomics.store(this.#cells, this.#sleepCell, epoch);
  }
}

const notReleased = (): NicshareError =>
  new NicshareError(
    'InvalidArgument',
    'The batch still holds packets.',
    'Call release(batch) before the next rxBurst.',
  );
