import { fstatSync, ftruncateSync, writeSync } from 'node:fs';
import { BlockBuffer, type PacketKind, type WriterMemory } from './blocks.js';

const HIGH = 2 ** 32;
const PLAIN: PacketKind = { interface: 0, options: new Uint32Array(0) };

/** Writes Ethernet packets as pcapng: one section, one interface, times in microseconds. */
export class CaptureWriter {
  /** Packets that are in the file. */
  packets = 0;
  readonly #fd: number;
  readonly #blocks: BlockBuffer;
  #added = 0;
  /** Bytes of whole blocks in the file. */
  #written = 0;

  /** `fd` stays the caller's. The header is in the file after the first flush. */
  constructor(fd: number, memory: WriterMemory) {
    this.#fd = fd;
    this.#blocks = new BlockBuffer(memory);
    this.#blocks.section([{}]);
  }

  /**
   * Adds a packet of at most MAX_WRITTEN bytes that stands at `offset` of the memory; `microseconds` since 1970.
   * Throws what write(2) says where the buffer has to be written first.
   */
  add(offset: number, length: number, microseconds: number): void {
    if (this.#blocks.full) this.flush();
    this.#blocks.packet(offset, length, length, Math.floor(microseconds / HIGH), microseconds % HIGH, PLAIN);
    this.#added++;
  }

  /**
   * Writes what was added. Throws what write(2) says; the file then ends with the last packet of an earlier flush.
   */
  flush(): void {
    const blocks = this.#blocks;
    try {
      for (let done = 0; done < blocks.used; )
        done += writeSync(this.#fd, blocks.bytes, blocks.area + done, blocks.used - done);
    } catch (error) {
      if (fstatSync(this.#fd).isFile()) ftruncateSync(this.#fd, this.#written);
      throw error;
    }
    this.#written += blocks.used;
    blocks.used = 0;
    this.packets += this.#added;
    this.#added = 0;
  }
}
