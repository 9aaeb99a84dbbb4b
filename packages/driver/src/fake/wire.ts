import { monotonicClock, NicshareError, RingConsumer, RingProducer, wake } from '@nicshare/shm';
import { check, libc } from '@nicshare/shm/sys';
import {
  COUNTER_NO_FRAME,
  COUNTER_RING_FULL,
  COUNTER_WRONG_LENGTH,
  type FakeWireDescription,
  OPEN,
  type RingBlock,
  ringBlock,
  sleepingCell,
  stateCell,
} from './layout.js';

/** The far side of one hardware ring. */
class WireQueue {
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly #cells: Int32Array;
  readonly #rx: RingProducer;
  readonly #fill: RingConsumer;
  readonly #tx: RingConsumer;
  readonly #completion: RingProducer;
  readonly #block: RingBlock;
  readonly #frameSize: number;
  /** Missing where nobody wants to know when packets come. */
  readonly #rxTimes: Float64Array | undefined;
  readonly #clock = monotonicClock();

  constructor(memory: WebAssembly.Memory, description: FakeWireDescription, ring: number) {
    this.#bytes = new Uint8Array(memory.buffer);
    this.#words = new Uint32Array(memory.buffer);
    this.#cells = new Int32Array(memory.buffer);
    this.#block = ringBlock(description, ring);
    this.#rx = new RingProducer(this.#cells, this.#block.rx);
    this.#fill = new RingConsumer(this.#cells, this.#block.fill);
    this.#tx = new RingConsumer(this.#cells, this.#block.tx);
    this.#completion = new RingProducer(this.#cells, this.#block.completion);
    this.#frameSize = description.frameSize;
    const { rxTimes, rxFrameCount } = this.#block;
    this.#rxTimes = description.rxTimes ? new Float64Array(memory.buffer, rxTimes, rxFrameCount) : undefined;
  }

  inject(packet: Uint8Array): boolean {
    if (packet.length === 0 || packet.length > this.#frameSize) return this.#lost(COUNTER_WRONG_LENGTH);
    if (this.#rx.reserve(1) < 1) return this.#lost(COUNTER_RING_FULL);
    if (this.#fill.peek(1) < 1) return this.#lost(COUNTER_NO_FRAME);
    const frame = this.#words[this.#block.fillEntries / 4 + (this.#fill.cursor & this.#fill.mask)]!;
    this.#fill.release(1);
    this.#bytes.set(packet, frame);
    if (this.#rxTimes) this.#rxTimes[(frame - this.#block.rxFrames) / this.#frameSize] = this.#clock();
    const entry = this.#block.rxEntries / 4 + (this.#rx.cursor & this.#rx.mask) * 2;
    this.#words[entry] = frame;
    this.#words[entry + 1] = packet.length;
    this.#rx.submit(1);
    return true;
  }

  #lost(counter: number): false {
    Atomics.add(this.#cells, this.#block.counters / 4 + counter, 1);
    return false;
  }

  capture(max: number, into: Uint8Array[]): void {
    const count = this.#tx.peek(max);
    for (let i = 0; i < count; i++) {
      const entry = this.#block.txEntries / 4 + ((this.#tx.cursor + i) & this.#tx.mask) * 2;
      const frame = this.#words[entry]!;
      into.push(new Uint8Array(this.#bytes.subarray(frame, frame + this.#words[entry + 1]!)));
      const slot = (this.#completion.cursor + i) & this.#completion.mask;
      this.#words[this.#block.completionEntries / 4 + slot] = frame;
    }
    if (count === 0) return;
    this.#tx.release(count);
    this.#completion.submit(count);
  }
}

/**
 * What a fake device is plugged into: the other end of all its rings. It works on the memory alone, so it may be used
 * from any thread of the device's process; one wire a device. Close it before the device, whose memory it uses.
 */
export class FakeWire {
  readonly #cells: Int32Array;
  readonly #queues: readonly WireQueue[];
  readonly #state: number;
  readonly #sleeping: number;
  /** A descriptor of its own: the device may close first. */
  readonly #wakeFd: number;
  #closed = false;

  constructor(memory: WebAssembly.Memory, description: FakeWireDescription) {
    this.#cells = new Int32Array(memory.buffer);
    this.#state = stateCell(description);
    this.#sleeping = sleepingCell(description);
    this.#wakeFd = check(libc.dup(description.wakeDescriptor), 'dup');
    this.#queues = Array.from(
      { length: description.rings },
      (_, ring) => new WireQueue(memory, description, ring),
    );
  }

  /**
   * A packet arrives at a hardware ring, and wakes the device's thread where that asked for it. False: it was lost,
   * for want of room or by its length, and the device has counted it; or the device is closed.
   */
  inject(packet: Uint8Array, ring = 0): boolean {
    const queue = this.#queues[ring];
    if (queue === undefined)
      throw new NicshareError(
        'InvalidArgument',
        `The fake device has no ring ${ring}.`,
        'Open it with more rings.',
      );
    if (!this.#open || !queue.inject(packet)) return false;
    if (Atomics.exchange(this.#cells, this.#sleeping, 0) === 1) wake(this.#wakeFd);
    return true;
  }

  /** Copies of at most `max` packets that were sent, in order, one TxQueue after the other. */
  capture(max = Number.POSITIVE_INFINITY): Uint8Array[] {
    const packets: Uint8Array[] = [];
    if (!this.#open) return packets;
    for (const queue of this.#queues) queue.capture(max - packets.length, packets);
    return packets;
  }

  get #open(): boolean {
    return !this.#closed && Atomics.load(this.#cells, this.#state) === OPEN;
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    libc.close(this.#wakeFd);
  }
}
