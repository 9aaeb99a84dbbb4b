import { RingConsumer, RingProducer } from '@nicshare/shm';
import { ENTRY_WORDS_SHIFT, LENGTH_WORD, OFFSET_WORD } from './entries.js';
import {
  COUNTER_LINK_DOWN,
  COUNTER_NO_FRAME,
  COUNTER_RING_FULL,
  COUNTER_UNMATCHED,
  COUNTER_WRONG_LENGTH,
  type FakeSizes,
  ringBlock,
} from './layout.js';

/**
 * The device's side of one hardware ring, receiving. It records who holds each frame, and throws where the caller breaks
 * the contract: a frame given back that it does not hold. What the hardware says it believes only where it fits that
 * record: the rest is counted and goes no further.
 */
export class FakeRxQueue {
  readonly #words: Uint32Array;
  readonly #cells: Int32Array;
  readonly #rx: RingConsumer;
  readonly #fill: RingProducer;
  readonly #rxEntries: number;
  readonly #fillEntries: number;
  readonly #counters: number;
  readonly #frameSize: number;
  readonly #frameShift: number;
  readonly #rxFrames: number;
  /** When the packet of each RX frame came. */
  readonly #rxTimes: Float64Array;
  /** For each RX frame, whether the caller holds it. */
  readonly #held: Uint8Array;
  /** Descriptors that cannot be true. */
  wrongDescriptor = 0;
  /** The hardware's cursor stands where it cannot: nothing that the ring says can be told apart any more. */
  broken = false;

  constructor(memory: WebAssembly.Memory, sizes: FakeSizes, ring: number) {
    const block = ringBlock(sizes, ring);
    this.#words = new Uint32Array(memory.buffer);
    this.#cells = new Int32Array(memory.buffer);
    this.#rx = new RingConsumer(this.#cells, block.rx);
    this.#fill = new RingProducer(this.#cells, block.fill);
    this.#rxEntries = block.rxEntries / 4;
    this.#fillEntries = block.fillEntries / 4;
    this.#counters = block.counters / 4;
    this.#frameSize = sizes.frameSize;
    this.#frameShift = Math.log2(sizes.frameSize);
    this.#rxFrames = block.rxFrames;
    this.#rxTimes = new Float64Array(memory.buffer, block.rxTimes, block.rxFrameCount);
    this.#held = new Uint8Array(block.rxFrameCount);
    for (let index = 0; index < block.rxFrameCount; index++) this.#writeFill(index, index);
    this.#fill.submit(block.rxFrameCount);
  }

  rxBurst(batch: number, max: number): number {
    const { mask, cursor } = this.#rx;
    const peeked = Math.min(this.#peek(), max);
    let count = 0;
    for (let i = 0; i < peeked; i++) {
      const entry = this.#rxEntries + (((cursor + i) & mask) << ENTRY_WORDS_SHIFT);
      if (this.#take(entry, (batch >>> 2) + (count << ENTRY_WORDS_SHIFT))) count++;
    }
    if (peeked > 0) this.#rx.release(peeked);
    return count;
  }

  /** When the packet of the batch entry at an arena offset was injected. */
  rxTime(entry: number): number {
    return this.#rxTimes[this.#rxFrame(this.#words[(entry >>> 2) + OFFSET_WORD]!)]!;
  }

  /** The RX frame that a byte of the arena lies in. */
  #rxFrame(offset: number): number {
    return ((offset - this.#rxFrames) >>> 0) >>> this.#frameShift;
  }

  /** How many descriptors wait. */
  #peek(): number {
    const size = this.#rx.mask + 1;
    const filled = this.#rx.peek(size + 1);
    if (filled < 0 || filled > size) this.broken = true;
    return this.broken ? 0 : filled;
  }

  /** Copies a descriptor of the rx ring into the batch; returns false where it cannot be true. */
  #take(entry: number, target: number): boolean {
    const words = this.#words;
    const offset = words[entry]!;
    const length = words[entry + 1]!;
    const inFrames = (offset - this.#rxFrames) >>> 0;
    const index = inFrames >>> this.#frameShift;
    if (this.#held[index] !== 0) {
      this.wrongDescriptor++; // no frame of the ring, or one that was handed out before
      return false;
    }
    if (length === 0 || (inFrames & (this.#frameSize - 1)) + length > this.#frameSize) {
      this.wrongDescriptor++;
      this.#giveToHardware(index);
      return false;
    }
    this.#held[index] = 1;
    words[target + OFFSET_WORD] = offset;
    words[target + LENGTH_WORD] = length;
    return true;
  }

  rxRelease(batch: number, count: number): void {
    const room = this.#fillRoom();
    let given = 0;
    for (let i = 0; i < count; i++) {
      const offset = this.#words[(batch >>> 2) + (i << ENTRY_WORDS_SHIFT) + OFFSET_WORD]!;
      const index = this.#rxFrame(offset);
      if (this.#held[index] !== 1)
        throw new Error(`rxRelease: the frame at ${offset} was not handed out, or was given back before`);
      this.#held[index] = 0;
      if (given < room) this.#writeFill(given++, index);
    }
    if (given > 0) this.#fill.submit(given);
  }

  /** A frame that came in a descriptor that cannot be true. */
  #giveToHardware(index: number): void {
    if (this.#fillRoom() === 0) return;
    this.#writeFill(0, index);
    this.#fill.submit(1);
  }

  /** The ring takes every frame once; it could take more only where the hardware has handed one out twice. */
  #fillRoom(): number {
    const size = this.#fill.mask + 1;
    const filled = size - this.#fill.reserve(size);
    return Math.max(0, this.#held.length - filled);
  }

  #writeFill(at: number, index: number): void {
    const { mask, cursor } = this.#fill;
    const slot = (cursor + at) & mask;
    this.#words[this.#fillEntries + slot] = this.#rxFrames + (index << this.#frameShift);
  }

  get waiting(): boolean {
    return this.#peek() > 0;
  }

  get ringFull(): number {
    return this.#counter(COUNTER_RING_FULL);
  }

  get noFrame(): number {
    return this.#counter(COUNTER_NO_FRAME);
  }

  get wrongLength(): number {
    return this.#counter(COUNTER_WRONG_LENGTH);
  }

  get linkDown(): number {
    return this.#counter(COUNTER_LINK_DOWN);
  }

  get unmatched(): number {
    return this.#counter(COUNTER_UNMATCHED);
  }

  #counter(index: number): number {
    return Atomics.load(this.#cells, this.#counters + index) >>> 0;
  }
}
