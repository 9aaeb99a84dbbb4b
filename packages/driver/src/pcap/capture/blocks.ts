import { type BlockOption, encodeOptions, wide } from './block-options.js';
import { LINKTYPE_ETHERNET } from './packet.js';
import * as F from './pcapng-format.js';

/** Memory in which packets stand and in which blocks are built. */
export interface WriterMemory {
  readonly bytes: Uint8Array;
  /** The builder's own part of it: a multiple of 4, and at least WRITER_BYTES long. */
  readonly area: number;
  /** Where packets stand, if not in `bytes`. */
  readonly packets?: Uint8Array;
}

/** Memory that blocks are built in. */
export const WRITER_BYTES = 1 << 17;
/** Above this the buffer has to be written before the next packet, which is never longer than the rest. */
const FULL = WRITER_BYTES / 2;
/** Of a packet's options. */
const MOST_OPTIONS = 256;
const OVERHEAD = F.PACKET_BYTES + F.BLOCK_TRAILER;
/** Longest packet that can be written. */
export const MAX_WRITTEN = WRITER_BYTES - FULL - OVERHEAD - F.BLOCK_TRAILER - MOST_OPTIONS;

const UNKNOWN_LENGTH = 0xffffffff;
/** Up to here words are copied one by one: faster than a view of them. */
const SHORT = 128;

/** An interface as it is written. */
export interface WrittenInterface {
  readonly name?: string;
  /** Bytes of a packet at most; 0: all. */
  readonly snapLength?: number;
  /** Times of its packets are in nanoseconds, not in microseconds. */
  readonly nanoseconds?: boolean;
}

/** What packets of one kind have in common: the interface's number, and options as `encodeOptions` gives them. */
export interface PacketKind {
  readonly interface: number;
  /** At most 64 words. */
  readonly options: Uint32Array;
}

/**
 * Builds blocks of a pcapng section of Ethernet packets, in this machine's byte order (little endian), in place of
 * memory that may also hold the packets: nothing is allocated a packet. The first `used` bytes from `area` on are
 * whole blocks.
 */
export class BlockBuffer {
  used = 0;
  readonly bytes: Uint8Array;
  readonly area: number;
  readonly #words: Uint32Array;
  readonly #packets: Uint8Array;
  readonly #packetWords: Uint32Array;

  constructor({ bytes, area, packets = bytes }: WriterMemory) {
    this.bytes = bytes;
    this.area = area;
    this.#packets = packets;
    this.#words = words(bytes);
    this.#packetWords = words(packets);
  }

  /** Whether it has to be emptied before the next packet. */
  get full(): boolean {
    return this.used > FULL;
  }

  /** Starts a section with its interfaces, numbered from 0. */
  section(interfaces: readonly WrittenInterface[]): void {
    const fields = [F.BYTE_ORDER_MAGIC, F.MAJOR_VERSION, UNKNOWN_LENGTH, UNKNOWN_LENGTH];
    this.#block(F.SECTION_HEADER, fields);
    for (const { name, snapLength = 0, nanoseconds } of interfaces) {
      const options: BlockOption[] = [];
      if (name !== undefined) options.push({ code: F.OPTION_INTERFACE_NAME, value: name });
      if (nanoseconds) options.push({ code: F.OPTION_TIME_RESOLUTION, value: Uint8Array.of(9) });
      this.#block(F.INTERFACE_DESCRIPTION, [LINKTYPE_ETHERNET, snapLength, ...encodeOptions(options)]);
    }
  }

  /** Packets that came to an interface, were lost, and reached who wanted them, up to a time. */
  statistics(
    { id, timeHigh, timeLow }: { id: number; timeHigh: number; timeLow: number },
    counts: { received: number; dropped: number; delivered: number },
  ): void {
    const options = encodeOptions([
      { code: F.OPTION_RECEIVED, value: wide(counts.received) },
      { code: F.OPTION_DROPPED, value: wide(counts.dropped) },
      { code: F.OPTION_DELIVERED, value: wide(counts.delivered) },
    ]);
    this.#block(F.INTERFACE_STATISTICS, [id, timeHigh, timeLow, ...options]);
  }

  /**
   * Adds the `length` bytes, at most MAX_WRITTEN, of a packet from `offset` on of the packets' memory, unless `full`.
   * The time is in the interface's units since 1970.
   */
  packet(
    offset: number,
    length: number,
    originalLength: number,
    timeHigh: number,
    timeLow: number,
    { interface: id, options }: PacketKind,
  ): void {
    const words = this.#words;
    const at = this.area + this.used;
    const word = at >>> 2;
    const padded = (length + 3) & ~3;
    const total = OVERHEAD + padded + options.length * 4;
    words[word] = F.ENHANCED_PACKET;
    words[word + (F.BLOCK_LENGTH >>> 2)] = total;
    words[word + (F.PACKET_INTERFACE >>> 2)] = id;
    words[word + (F.PACKET_TIME_HIGH >>> 2)] = timeHigh;
    words[word + (F.PACKET_TIME_LOW >>> 2)] = timeLow;
    words[word + (F.PACKET_CAPTURED >>> 2)] = length;
    words[word + (F.PACKET_ORIGINAL >>> 2)] = originalLength;
    const body = at + F.PACKET_BYTES;
    this.#copy(body, offset, length);
    for (let i = length; i < padded; i++) this.bytes[body + i] = 0;
    let end = (body + padded) >>> 2;
    for (let i = 0; i < options.length; i++) words[end++] = options[i]!;
    words[end] = total;
    this.used += total;
  }

  #copy(to: number, offset: number, length: number): void {
    if (this.#packets === this.bytes) {
      this.bytes.copyWithin(to, offset, offset + length);
    } else if (length <= SHORT && (offset & 3) === 0) {
      const end = (length + 3) >>> 2;
      for (let i = 0, t = to >>> 2, f = offset >>> 2; i < end; i++)
        this.#words[t + i] = this.#packetWords[f + i]!;
    } else {
      this.bytes.set(this.#packets.subarray(offset, offset + length), to);
    }
  }

  #block(type: number, body: readonly number[]): void {
    const total = F.MIN_BLOCK + body.length * 4;
    let word = (this.area + this.used) >>> 2;
    for (const value of [type, total, ...body, total]) this.#words[word++] = value;
    this.used += total;
  }
}

const words = (bytes: Uint8Array): Uint32Array =>
  new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2);
