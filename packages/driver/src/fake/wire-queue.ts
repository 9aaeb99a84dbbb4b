import { type Clock, RingConsumer, RingProducer } from '@nicshare/shm';
import {
  COUNTER_NO_FRAME,
  COUNTER_RING_FULL,
  type FakeWireDescription,
  type RingBlock,
  ringBlock,
} from './layout.js';

/**
 * What a card may say that is not true. Of a received packet: no length, a length beyond its frame, a frame outside the
 * device's memory, a frame that it handed out before. Of its ring: a cursor further than the ring is long. Of packets
 * that it sent: a frame outside the device's memory, a frame that it gave back before.
 */
export type Lie = 'empty' | 'too-long' | 'outside' | 'twice' | 'cursor' | 'sent-outside' | 'sent-twice';

const LIE_LENGTH = 60;

/** The far side of one hardware ring. */
export class WireQueue {
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly #cells: Int32Array;
  readonly #rx: RingProducer;
  readonly #fill: RingConsumer;
  readonly #tx: RingConsumer;
  readonly #completion: RingProducer;
  readonly #block: RingBlock;
  readonly #base: number;
  readonly #frameSize: number;
  /** Missing where nobody wants to know when packets come. */
  readonly #rxTimes: Float64Array | undefined;
  readonly #clock: Clock;
  /** The last frames that were handed out and given back. */
  #received: number;
  #sent: number;

  constructor(memory: WebAssembly.Memory, description: FakeWireDescription, ring: number, clock: Clock) {
    this.#bytes = new Uint8Array(memory.buffer);
    this.#words = new Uint32Array(memory.buffer);
    this.#cells = new Int32Array(memory.buffer);
    this.#block = ringBlock(description, ring);
    this.#rx = new RingProducer(this.#cells, this.#block.rx);
    this.#fill = new RingConsumer(this.#cells, this.#block.fill);
    this.#tx = new RingConsumer(this.#cells, this.#block.tx);
    this.#completion = new RingProducer(this.#cells, this.#block.completion);
    this.#base = description.base;
    this.#frameSize = description.frameSize;
    const { rxTimes, rxFrameCount } = this.#block;
    this.#rxTimes = description.rxTimes ? new Float64Array(memory.buffer, rxTimes, rxFrameCount) : undefined;
    this.#clock = clock;
    this.#received = this.#block.rxFrames;
    this.#sent = this.#block.txFrames;
  }

  /** `full`: as if there were no room. */
  inject(packet: Uint8Array, full: boolean): boolean {
    const frame = this.#frameFor(full);
    if (frame === undefined) return false;
    this.#bytes.set(packet, frame);
    if (this.#rxTimes) this.#rxTimes[(frame - this.#block.rxFrames) / this.#frameSize] = this.#clock();
    this.#submit(frame, packet.length);
    return true;
  }

  /** A frame of the fill ring; undefined, and counted, where there is no room for a packet. */
  #frameFor(full: boolean): number | undefined {
    if (full || this.#rx.reserve(1) < 1) return this.count(COUNTER_RING_FULL);
    if (this.#fill.peek(1) < 1) return this.count(COUNTER_NO_FRAME);
    const frame = this.#words[this.#block.fillEntries / 4 + (this.#fill.cursor & this.#fill.mask)]!;
    this.#fill.release(1);
    this.#received = frame;
    return frame;
  }

  #submit(frame: number, length: number): void {
    const entry = this.#block.rxEntries / 4 + (this.#rx.cursor & this.#rx.mask) * 2;
    this.#words[entry] = frame;
    this.#words[entry + 1] = length;
    this.#rx.submit(1);
  }

  count(counter: number): undefined {
    Atomics.add(this.#cells, this.#block.counters / 4 + counter, 1);
  }

  capture(max: number, into: Uint8Array[]): void {
    const count = this.#completion.reserve(this.#tx.peek(max));
    for (let i = 0; i < count; i++) {
      const entry = this.#block.txEntries / 4 + ((this.#tx.cursor + i) & this.#tx.mask) * 2;
      const frame = this.#words[entry]!;
      into.push(new Uint8Array(this.#bytes.subarray(frame, frame + this.#words[entry + 1]!)));
      this.#complete(i, frame);
      this.#sent = frame;
    }
    if (count === 0) return;
    this.#tx.release(count);
    this.#completion.submit(count);
  }

  #complete(index: number, frame: number): void {
    const slot = (this.#completion.cursor + index) & this.#completion.mask;
    this.#words[this.#block.completionEntries / 4 + slot] = frame;
  }

  /** Returns false where there is no room for it. */
  lie(lie: Lie): boolean {
    switch (lie) {
      case 'empty':
        return this.#receive(this.#frameFor(false), 0);
      case 'too-long':
        return this.#receive(this.#frameFor(false), this.#frameSize + 1);
      case 'outside':
        return this.#receive(this.#base - this.#frameSize, LIE_LENGTH);
      case 'twice':
        return this.#receive(this.#received, LIE_LENGTH);
      case 'cursor':
        this.#rx.submit(2 * (this.#rx.mask + 1));
        return true;
      case 'sent-outside':
        return this.#send(this.#base - this.#frameSize);
      case 'sent-twice':
        return this.#send(this.#sent);
    }
  }

  #receive(frame: number | undefined, length: number): boolean {
    if (frame === undefined || this.#rx.reserve(1) < 1) return false;
    this.#submit(frame >>> 0, length);
    return true;
  }

  #send(frame: number): boolean {
    if (this.#completion.reserve(1) < 1) return false;
    this.#complete(0, frame >>> 0);
    this.#completion.submit(1);
    return true;
  }
}
