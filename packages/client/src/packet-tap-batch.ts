import { layout } from '@nicshare/shm';
import { Batch } from './batch.js';

/** Why a packet did not get where it was meant to go, by its outcome's number. */
const REASONS = {
  [layout.OUTCOME_RING_FULL]: 'ringFull',
  [layout.OUTCOME_NO_FRAME]: 'noFrame',
  [layout.OUTCOME_OVERSIZED]: 'oversized',
  [layout.OUTCOME_NO_CLIENT]: 'noClient',
  [layout.OUTCOME_UNMATCHED]: 'unmatched',
  [layout.OUTCOME_NOT_PASSED]: 'notPassed',
  [layout.OUTCOME_RUNT]: 'runt',
} as const;

/** Why a packet was dropped: the dispatcher counts it by the same name. */
export type DropReason = (typeof REASONS)[keyof typeof REASONS];

/** The reason that belongs to an outcome's number; undefined where the packet was not dropped. */
export const dropReason = (outcome: number): DropReason | undefined =>
  (REASONS as Record<number, DropReason | undefined>)[outcome];

/** What a tap tells of one packet. */
export interface TapRecord {
  /** Nanoseconds since 1970, the same for all packets of a burst. */
  readonly time: bigint;
  /** As the clients see it. */
  readonly direction: 'received' | 'sent';
  /** Name of its queue; undefined where no queue takes it. */
  readonly queue: string | undefined;
  /** undefined: it was not dropped. */
  readonly dropReason: DropReason | undefined;
  /** Bytes that the packet had; the tap may have fewer. */
  readonly originalLength: number;
  /** Its first bytes, a view that is good until the batch is released. */
  readonly bytes: Uint8Array;
}

/** Up to `capacity` packets of a tap, with what became of each. Made once and used for every burst. */
export class TapBatch extends Batch {
  /** Nanoseconds since 1970: the upper 32 bits. */
  readonly timeHigh: Uint32Array;
  /** The lower 32 bits. */
  readonly timeLow: Uint32Array;
  /** Bytes that each packet had. */
  readonly originalLength: Uint32Array;
  /** TAP_RECEIVED or TAP_SENT of the layout. */
  readonly direction: Uint8Array;
  /** Index into the tap's `queues`, or TAP_NO_QUEUE. */
  readonly queue: Uint16Array;
  /** OUTCOME_* of the layout. */
  readonly outcome: Uint8Array;
  readonly #words: Uint32Array;
  readonly #queues: readonly string[];

  constructor(bytes: Uint8Array, capacity: number, queues: readonly string[]) {
    super(bytes, capacity);
    this.#words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2);
    this.#queues = queues;
    this.timeHigh = new Uint32Array(capacity);
    this.timeLow = new Uint32Array(capacity);
    this.originalLength = new Uint32Array(capacity);
    this.direction = new Uint8Array(capacity);
    this.queue = new Uint16Array(capacity);
    this.outcome = new Uint8Array(capacity);
  }

  /** Packet `index` as an object. Throws NicshareError InvalidArgument where there is none. */
  record(index: number): TapRecord {
    const bytes = this.packet(index);
    return {
      bytes,
      time: (BigInt(this.timeHigh[index]!) << 32n) | BigInt(this.timeLow[index]!),
      direction: this.direction[index] === layout.TAP_RECEIVED ? 'received' : 'sent',
      queue: this.#queues[this.queue[index]!],
      dropReason: dropReason(this.outcome[index]!),
      originalLength: this.originalLength[index]!,
    };
  }

  /** Reads what stands before each packet, and leaves it behind: offset and length are the packet's from now on. */
  open(): void {
    const words = this.#words;
    const { offset, length } = this;
    for (let i = 0; i < this.count; i++) {
      const at = offset[i]! >>> 2;
      const what = words[at + (layout.TAP_QUEUE >> 2)]!;
      this.originalLength[i] = words[at + (layout.TAP_ORIGINAL_LENGTH >> 2)]!;
      this.queue[i] = what & 0xffff;
      this.direction[i] = (what >>> 16) & 0xff;
      this.outcome[i] = what >>> 24;
      this.timeLow[i] = words[at + (layout.TAP_TIME >> 2)]!;
      this.timeHigh[i] = words[at + (layout.TAP_TIME >> 2) + 1]!;
      offset[i] = offset[i]! + layout.TAP_PACKET;
      length[i] = length[i]! - layout.TAP_PACKET;
    }
  }

  /** The reverse: offsets name the frames again. */
  shut(): void {
    for (let i = 0; i < this.count; i++) this.offset[i] = this.offset[i]! - layout.TAP_PACKET;
  }
}
