import { fstatSync, ftruncateSync, writeSync } from 'node:fs';
import { LINKTYPE_ETHERNET } from './packet.js';
import * as F from './pcapng-format.js';

/** Memory in which packets stand and in which the writer builds its blocks. */
export interface WriterMemory {
  readonly bytes: Uint8Array;
  /** The writer's own part of it: a multiple of 4, and at least WRITER_BYTES long. */
  readonly area: number;
}

/** Memory that a writer needs. */
export const WRITER_BYTES = 1 << 17;
/** Above this a buffer is written before the next packet, which is never longer than the rest. */
const FULL = WRITER_BYTES / 2;
const OVERHEAD = F.PACKET_BYTES + F.BLOCK_TRAILER;
export const MAX_WRITTEN = WRITER_BYTES - FULL - OVERHEAD - F.BLOCK_TRAILER;

const UNKNOWN_LENGTH = 0xffffffff;
const HIGH = 2 ** 32;

/**
 * Writes Ethernet packets as pcapng: one section, one interface, Enhanced Packet Blocks, in this machine's byte order
 * (little endian), times in microseconds. It builds blocks in place of memory that also holds the packets, so that
 * nothing is allocated a packet.
 */
export class CaptureWriter {
  /** Packets that are in the file. */
  packets = 0;
  readonly #fd: number;
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly #area: number;
  #used = 0;
  #added = 0;
  /** Bytes of whole blocks in the file. */
  #written = 0;

  /** `fd` stays the caller's. The header is in the file after the first flush. */
  constructor(fd: number, { bytes, area }: WriterMemory) {
    this.#fd = fd;
    this.#bytes = bytes;
    this.#words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2);
    this.#area = area;
    this.#header();
  }

  #header(): void {
    const section = [
      F.SECTION_HEADER,
      F.MIN_SECTION_HEADER,
      F.BYTE_ORDER_MAGIC,
      F.MAJOR_VERSION,
      UNKNOWN_LENGTH,
      UNKNOWN_LENGTH,
      F.MIN_SECTION_HEADER,
    ];
    const { INTERFACE_DESCRIPTION: type, MIN_INTERFACE_DESCRIPTION: length } = F;
    const description = [type, length, LINKTYPE_ETHERNET, 0, length];
    for (const word of [...section, ...description]) {
      this.#words[(this.#area + this.#used) >>> 2] = word;
      this.#used += 4;
    }
  }

  /**
   * Adds a packet of at most MAX_WRITTEN bytes that stands at `offset` of the memory; `microseconds` since 1970.
   * Throws what write(2) says where the buffer has to be written first.
   */
  add(offset: number, length: number, microseconds: number): void {
    if (this.#used > FULL) this.flush();
    const words = this.#words;
    const at = this.#area + this.#used;
    const word = at >>> 2;
    const padded = (length + 3) & ~3;
    const total = OVERHEAD + padded;
    words[word] = F.ENHANCED_PACKET;
    words[word + (F.BLOCK_LENGTH >>> 2)] = total;
    words[word + (F.PACKET_INTERFACE >>> 2)] = 0;
    words[word + (F.PACKET_TIME_HIGH >>> 2)] = Math.floor(microseconds / HIGH);
    words[word + (F.PACKET_TIME_LOW >>> 2)] = microseconds % HIGH;
    words[word + (F.PACKET_CAPTURED >>> 2)] = length;
    words[word + (F.PACKET_ORIGINAL >>> 2)] = length;
    const body = at + F.PACKET_BYTES;
    if (padded > 0) words[(body + padded - 4) >>> 2] = 0;
    this.#bytes.copyWithin(body, offset, offset + length);
    words[(body + padded) >>> 2] = total;
    this.#used += total;
    this.#added++;
  }

  /**
   * Writes what was added. Throws what write(2) says; the file then ends with the last packet of an earlier flush.
   */
  flush(): void {
    try {
      for (let done = 0; done < this.#used; )
        done += writeSync(this.#fd, this.#bytes, this.#area + done, this.#used - done);
    } catch (error) {
      if (fstatSync(this.#fd).isFile()) ftruncateSync(this.#fd, this.#written);
      throw error;
    }
    this.#written += this.#used;
    this.#used = 0;
    this.packets += this.#added;
    this.#added = 0;
  }
}
