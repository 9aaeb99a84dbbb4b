import { layout, RingConsumer, RingProducer } from '@nicshare/shm';
import { ENTRY_WORDS_SHIFT, LENGTH_WORD, OFFSET_WORD } from './entries.js';
import { type FakeSizes, linkCell, ringBlock } from './layout.js';

/**
 * The device's side of one hardware ring, sending. It records who holds each frame, and throws where the caller breaks
 * the contract: a frame sent that was not named. What the hardware says it believes only where it fits that record.
 */
export class FakeTxQueue {
  readonly #words: Uint32Array;
  readonly #cells: Int32Array;
  readonly #tx: RingProducer;
  readonly #completion: RingConsumer;
  readonly #txEntries: number;
  readonly #completionEntries: number;
  readonly #frameSize: number;
  readonly #frameShift: number;
  readonly #linkCell: number;
  readonly #maxPacket: number;
  readonly #txFrames: number;
  /** For each TX frame, whether the hardware holds it. */
  readonly #sending: Uint8Array;
  /** TX frames that are free, a FIFO as long as there are frames. */
  readonly #free: Uint32Array;
  #freeHead = 0;
  #freeCount: number;
  runts = 0;
  oversized = 0;
  linkDown = 0;
  /** Entries of the completion ring that cannot be true. */
  wrongCompletion = 0;
  /** The hardware's cursor stands where it cannot. */
  broken = false;

  constructor(memory: WebAssembly.Memory, sizes: FakeSizes, ring: number, maxPacket: number) {
    const block = ringBlock(sizes, ring);
    this.#words = new Uint32Array(memory.buffer);
    this.#cells = new Int32Array(memory.buffer);
    this.#tx = new RingProducer(this.#cells, block.tx);
    this.#completion = new RingConsumer(this.#cells, block.completion);
    this.#txEntries = block.txEntries / 4;
    this.#completionEntries = block.completionEntries / 4;
    this.#frameSize = sizes.frameSize;
    this.#frameShift = Math.log2(sizes.frameSize);
    this.#linkCell = linkCell(sizes);
    this.#maxPacket = maxPacket;
    this.#txFrames = block.txFrames;
    this.#sending = new Uint8Array(block.txFrameCount);
    this.#free = Uint32Array.from(
      { length: block.txFrameCount },
      (_, index) => block.txFrames + index * sizes.frameSize,
    );
    this.#freeCount = block.txFrameCount;
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
      } else this.wrongCompletion++;
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
    if (linkDown) this.linkDown++;
    else if (length < layout.ETHERNET_HEADER) this.runts++;
    else if (length > this.#maxPacket) this.oversized++;
    else return true;
    return false;
  }
}
