import { layout, RingConsumer, RingProducer } from '@nicshare/shm';
import { BATCH_LENGTH, BATCH_OFFSET, BATCH_SHIFT } from '../tables.js';
import {
  COUNTER_LINK_DOWN,
  COUNTER_NO_FRAME,
  COUNTER_RING_FULL,
  COUNTER_UNMATCHED,
  COUNTER_WRONG_LENGTH,
  type FakeSizes,
  linkCell,
  ringBlock,
} from './layout.js';

const OFFSET_WORD = BATCH_OFFSET >>> 2;
const LENGTH_WORD = BATCH_LENGTH >>> 2;
/** Two words of u32 an entry: in a batch and in the rx and tx rings alike. */
const ENTRY_WORDS_SHIFT = BATCH_SHIFT - 2;

/**
 * The device's side of one hardware ring. It records who holds each frame, and throws where the caller breaks the
 * contract: a frame given back that it does not hold, or sent though it was not named. What the hardware says it
 * believes only where it fits that record: the rest is counted and goes no further.
 */
export class FakeQueue {
  readonly #words: Uint32Array;
  readonly #cells: Int32Array;
  readonly #rx: RingConsumer;
  readonly #fill: RingProducer;
  readonly #tx: RingProducer;
  readonly #completion: RingConsumer;
  readonly #rxEntries: number;
  readonly #fillEntries: number;
  readonly #txEntries: number;
  readonly #completionEntries: number;
  readonly #counters: number;
  readonly #frameSize: number;
  readonly #frameShift: number;
  readonly #linkCell: number;
  readonly #maxPacket: number;
  readonly #rxFrames: number;
  /** When the packet of each RX frame came. */
  readonly #rxTimes: Float64Array;
  /** For each RX frame, whether the caller holds it. */
  readonly #held: Uint8Array;
  readonly #txFrames: number;
  /** For each TX frame, whether the hardware holds it. */
  readonly #sending: Uint8Array;
  /** TX frames that are free, a FIFO as long as there are frames. */
  readonly #free: Uint32Array;
  #freeHead = 0;
  #freeCount: number;
  txRunts = 0;
  txOversized = 0;
  txLinkDown = 0;
  /** Descriptors of the rx ring that cannot be true. */
  rxWrongDescriptor = 0;
  /** Entries of the completion ring that cannot be true. */
  txWrongCompletion = 0;
  /** A cursor of the hardware stands where it cannot: nothing that its rings say can be told apart any more. */
  broken = false;

  constructor(memory: WebAssembly.Memory, sizes: FakeSizes, ring: number, maxPacket: number) {
    const block = ringBlock(sizes, ring);
    this.#words = new Uint32Array(memory.buffer);
    this.#cells = new Int32Array(memory.buffer);
    this.#rx = new RingConsumer(this.#cells, block.rx);
    this.#fill = new RingProducer(this.#cells, block.fill);
    this.#tx = new RingProducer(this.#cells, block.tx);
    this.#completion = new RingConsumer(this.#cells, block.completion);
    this.#rxEntries = block.rxEntries / 4;
    this.#fillEntries = block.fillEntries / 4;
    this.#txEntries = block.txEntries / 4;
    this.#completionEntries = block.completionEntries / 4;
    this.#counters = block.counters / 4;
    this.#frameSize = sizes.frameSize;
    this.#frameShift = Math.log2(sizes.frameSize);
    this.#linkCell = linkCell(sizes);
    this.#maxPacket = maxPacket;
    this.#rxFrames = block.rxFrames;
    this.#rxTimes = new Float64Array(memory.buffer, block.rxTimes, block.rxFrameCount);
    this.#held = new Uint8Array(block.rxFrameCount);
    this.#txFrames = block.txFrames;
    this.#sending = new Uint8Array(block.txFrameCount);
    this.#free = Uint32Array.from(
      { length: block.txFrameCount },
      (_, index) => block.txFrames + index * sizes.frameSize,
    );
    this.#freeCount = block.txFrameCount;
    this.#fillAll(block.rxFrameCount);
  }

  #fillAll(count: number): void {
    for (let i = 0; i < count; i++) this.#words[this.#fillEntries + i] = this.#rxFrames + i * this.#frameSize;
    this.#fill.submit(count);
  }

  rxBurst(batch: number, max: number): number {
    const { mask, cursor } = this.#rx;
    const peeked = Math.min(this.#peekRx(), max);
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
  #peekRx(): number {
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
      this.rxWrongDescriptor++; // no frame of the ring, or one that was handed out before
      return false;
    }
    if (length === 0 || (inFrames & (this.#frameSize - 1)) + length > this.#frameSize) {
      this.rxWrongDescriptor++;
      this.#giveToHardware(index);
      return false;
    }
    this.#held[index] = 1;
    words[target + OFFSET_WORD] = offset;
    words[target + LENGTH_WORD] = length;
    return true;
  }

  rxRelease(batch: number, count: number): void {
    for (let i = 0; i < count; i++) {
      const offset = this.#words[(batch >>> 2) + (i << ENTRY_WORDS_SHIFT) + OFFSET_WORD]!;
      const index = this.#rxFrame(offset);
      if (this.#held[index] !== 1)
        throw new Error(`rxRelease: the frame at ${offset} was not handed out, or was given back before`);
      this.#held[index] = 0;
      this.#giveToHardware(index);
    }
  }

  /** The ring has a slot for every frame; more there cannot be, unless the hardware handed one out twice. */
  #giveToHardware(index: number): void {
    const { mask, cursor } = this.#fill;
    if (mask + 1 - this.#fill.reserve(mask + 1) >= this.#held.length) return;
    this.#words[this.#fillEntries + (cursor & mask)] = this.#rxFrames + (index << this.#frameShift);
    this.#fill.submit(1);
  }

  txReserve(batch: number, max: number): number {
    this.#reap();
    const count = Math.min(this.#freeCount, max);
    for (let i = 0; i < count; i++)
      this.#words[(batch >>> 2) + (i << ENTRY_WORDS_SHIFT) + OFFSET_WORD] = this.#freeFrame(i);
    return count;
  }

  #freeFrame(index: number): number {
    return this.#free[(this.#freeHead + index) % this.#free.length]!;
  }

  #reap(): void {
    const { mask, cursor } = this.#completion;
    const count = this.#completion.peek(mask + 2);
    if (count < 0 || count > mask + 1) this.broken = true;
    if (this.broken) return;
    for (let i = 0; i < count; i++) {
      const frame = this.#words[this.#completionEntries + ((cursor + i) & mask)]!;
      const inFrames = (frame - this.#txFrames) >>> 0;
      const index = inFrames >>> this.#frameShift;
      if (this.#sending[index] === 1 && (inFrames & (this.#frameSize - 1)) === 0) {
        this.#sending[index] = 0;
        this.#giveBack(frame);
      } else this.txWrongCompletion++;
    }
    if (count > 0) this.#completion.release(count);
  }

  #giveBack(frame: number): void {
    this.#free[(this.#freeHead + this.#freeCount) % this.#free.length] = frame;
    this.#freeCount++;
  }

  /** The tx ring has a slot for every TX frame, so it is never full. */
  txBurst(batch: number, count: number): void {
    const words = this.#words;
    const { mask, cursor } = this.#tx;
    const linkDown = Atomics.load(this.#cells, this.#linkCell) !== 0;
    let sent = 0;
    for (let i = 0; i < count; i++) {
      const source = (batch >>> 2) + (i << ENTRY_WORDS_SHIFT);
      const frame = this.#takeFree(words[source + OFFSET_WORD]!);
      const length = words[source + LENGTH_WORD]!;
      if (!this.#isSendable(length, linkDown)) {
        this.#giveBack(frame);
        continue;
      }
      const entry = this.#txEntries + (((cursor + sent) & mask) << ENTRY_WORDS_SHIFT);
      words[entry] = frame;
      words[entry + 1] = length;
      this.#sending[(frame - this.#txFrames) >>> this.#frameShift] = 1;
      sent++;
    }
    if (sent > 0) this.#tx.submit(sent);
  }

  #takeFree(offset: number): number {
    if (this.#freeCount === 0 || offset !== this.#freeFrame(0))
      throw new Error(`txBurst: the frame at ${offset} is not the next that txReserve named`);
    this.#freeHead = (this.#freeHead + 1) % this.#free.length;
    this.#freeCount--;
    return offset;
  }

  #isSendable(length: number, linkDown: boolean): boolean {
    if (linkDown) this.txLinkDown++;
    else if (length < layout.ETHERNET_HEADER) this.txRunts++;
    else if (length > this.#maxPacket) this.txOversized++;
    else return true;
    return false;
  }

  get rxWaiting(): boolean {
    return this.#peekRx() > 0;
  }

  get rxRingFull(): number {
    return this.#counter(COUNTER_RING_FULL);
  }

  get rxNoFrame(): number {
    return this.#counter(COUNTER_NO_FRAME);
  }

  get rxWrongLength(): number {
    return this.#counter(COUNTER_WRONG_LENGTH);
  }

  get rxLinkDown(): number {
    return this.#counter(COUNTER_LINK_DOWN);
  }

  get rxUnmatched(): number {
    return this.#counter(COUNTER_UNMATCHED);
  }

  #counter(index: number): number {
    return Atomics.load(this.#cells, this.#counters + index) >>> 0;
  }
}
