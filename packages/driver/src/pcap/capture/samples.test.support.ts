/* Captures made byte by byte, for tests. Their numbers stand here once more, so that a wrong constant is found. */

export interface Sample {
  readonly bytes: Uint8Array;
  /** Nanoseconds since 1970. */
  readonly time: bigint;
  /** Length on the wire; default: that of the bytes. */
  readonly original?: number;
}

export interface PcapShape {
  readonly littleEndian?: boolean;
  readonly nanoseconds?: boolean;
  readonly linkType?: number;
  readonly snapLength?: number;
  readonly version?: readonly [number, number];
}

const SECOND = 1_000_000_000n;

/** Puts integers together in one byte order. */
class Bytes {
  readonly #littleEndian: boolean;
  #parts: Buffer[] = [];

  constructor(littleEndian: boolean) {
    this.#littleEndian = littleEndian;
  }

  u16(...values: readonly number[]): this {
    for (const value of values) {
      const bytes = Buffer.alloc(2);
      if (this.#littleEndian) bytes.writeUInt16LE(value);
      else bytes.writeUInt16BE(value);
      this.#parts.push(bytes);
    }
    return this;
  }

  u32(...values: readonly number[]): this {
    for (const value of values) {
      const bytes = Buffer.alloc(4);
      if (this.#littleEndian) bytes.writeUInt32LE(value);
      else bytes.writeUInt32BE(value);
      this.#parts.push(bytes);
    }
    return this;
  }

  /** Two words, the high one first, whatever the byte order. */
  u64Words(value: bigint): this {
    return this.u32(Number(value >> 32n), Number(value & 0xffffffffn));
  }

  i64(value: bigint): this {
    const bytes = Buffer.alloc(8);
    if (this.#littleEndian) bytes.writeBigInt64LE(value);
    else bytes.writeBigInt64BE(value);
    this.#parts.push(bytes);
    return this;
  }

  raw(bytes: Uint8Array, alignment = 1): this {
    this.#parts.push(Buffer.from(bytes), Buffer.alloc((alignment - (bytes.length % alignment)) % alignment));
    return this;
  }

  get buffer(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** A pcap file. */
export function pcapFile(packets: readonly Sample[], shape: PcapShape = {}): Buffer {
  const {
    littleEndian = true,
    nanoseconds = false,
    linkType = 1,
    snapLength = 262144,
    version = [2, 4],
  } = shape;
  const file = new Bytes(littleEndian)
    .u32(nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4)
    .u16(...version)
    .u32(0, 0, snapLength, linkType);
  for (const { bytes, time, original = bytes.length } of packets) {
    const fraction = (time % SECOND) / (nanoseconds ? 1n : 1000n);
    file.u32(Number(time / SECOND), Number(fraction), bytes.length, original).raw(bytes);
  }
  return file.buffer;
}

/** Builds a pcapng file block by block. */
export class PcapngFile {
  readonly #littleEndian: boolean;
  readonly #blocks: Buffer[] = [];

  constructor(littleEndian = true) {
    this.#littleEndian = littleEndian;
  }

  block(type: number, body: Uint8Array): this {
    const length = 12 + body.length;
    this.#blocks.push(this.#bytes().u32(type, length).raw(body).u32(length).buffer);
    return this;
  }

  section(major = 1): this {
    return this.block(0x0a0d0d0a, this.#bytes().u32(0x1a2b3c4d).u16(major, 0).i64(-1n).buffer);
  }

  interface(
    options: { linkType?: number; snapLength?: number; resolution?: number; offset?: bigint } = {},
  ): this {
    const { linkType = 1, snapLength = 0, resolution, offset } = options;
    const body = this.#bytes().u16(linkType, 0).u32(snapLength);
    // A comment first: options that mean nothing to us are passed over.
    body.u16(1, 5).raw(Buffer.from('hello'), 4);
    if (resolution !== undefined) body.u16(9, 1).raw(Uint8Array.of(resolution), 4);
    if (offset !== undefined) body.u16(14, 8).i64(offset);
    return this.block(1, body.u16(0, 0).buffer);
  }

  /** `ticks` in units of the interface. */
  packet(index: number, ticks: bigint, bytes: Uint8Array, original = bytes.length): this {
    const body = this.#bytes().u32(index).u64Words(ticks).u32(bytes.length, original).raw(bytes, 4);
    return this.block(6, body.buffer);
  }

  obsoletePacket(index: number, ticks: bigint, bytes: Uint8Array): this {
    const body = this.#bytes().u16(index, 0).u64Words(ticks).u32(bytes.length, bytes.length).raw(bytes, 4);
    return this.block(2, body.buffer);
  }

  simplePacket(bytes: Uint8Array, original = bytes.length): this {
    return this.block(3, this.#bytes().u32(original).raw(bytes, 4).buffer);
  }

  get buffer(): Buffer {
    return Buffer.concat(this.#blocks);
  }

  #bytes(): Bytes {
    return new Bytes(this.#littleEndian);
  }
}
