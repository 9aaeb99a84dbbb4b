import { BIG_ENDIAN, type ByteOrder, LITTLE_ENDIAN } from './byte-order.js';
import type { FileWindow } from './file-window.js';
import { type CapturedInterface, readInterface } from './interface-description.js';
import { captureInvalid, MAX_CAPTURED, type TakePacket } from './packet.js';
import * as F from './pcapng-format.js';

/** Whether a file begins like a pcapng file. */
export const isPcapng = (magic: Buffer): boolean => magic.readUInt32LE(0) === F.SECTION_HEADER;

/**
 * Hands over the packets of all sections and interfaces; returns the damage that ended it. Blocks of other kinds are
 * passed over. Throws NicshareError CaptureInvalid where the first section has no header that can be read.
 */
export function readPcapng(file: FileWindow, take: TakePacket): string | undefined {
  const reader = new PcapngReader(file, take);
  const trouble = reader.run();
  if (trouble !== undefined && reader.sections === 0)
    throw captureInvalid(file.path, `is broken: ${trouble}`);
  return trouble;
}

/** Where a block stands in the file. */
interface Block {
  readonly type: number;
  readonly offset: number;
  readonly length: number;
}

class PcapngReader {
  sections = 0;
  readonly #file: FileWindow;
  readonly #take: TakePacket;
  #order = LITTLE_ENDIAN;
  #interfaces: CapturedInterface[] = [];

  constructor(file: FileWindow, take: TakePacket) {
    this.#file = file;
    this.#take = take;
  }

  /** Returns what is wrong where it does not come to the end of the file. */
  run(): string | undefined {
    for (let offset = 0; offset < this.#file.size; ) {
      const block = this.#blockAt(offset);
      const trouble = typeof block === 'string' ? block : this.#read(block);
      if (trouble !== undefined) return `${trouble} (byte ${offset})`;
      offset += (block as Block).length;
    }
    return undefined;
  }

  #blockAt(offset: number): Block | string {
    const head = this.#file.view(offset, F.MIN_BLOCK);
    if (head === undefined) return 'it ends within a block';
    const type = this.#order.u32(head, F.BLOCK_TYPE);
    if (type === F.SECTION_HEADER) {
      const order = byteOrderOf(head);
      if (order === undefined) return 'a section header has no byte-order magic';
      this.#order = order;
    }
    const length = this.#order.u32(head, F.BLOCK_LENGTH);
    if (length < leastLength(type) || length % 4 !== 0) return `a block claims ${length} bytes`;
    if (offset + length > this.#file.size) return 'it ends within a block';
    const trailer = this.#file.view(offset + length - F.BLOCK_TRAILER, F.BLOCK_TRAILER);
    if (trailer === undefined || this.#order.u32(trailer, 0) !== length)
      return 'a block has two different lengths';
    return { type, offset, length };
  }

  #read(block: Block): string | undefined {
    switch (block.type) {
      case F.SECTION_HEADER:
        return this.#section(block);
      case F.INTERFACE_DESCRIPTION:
        this.#interfaces.push(readInterface(this.#view(block, MAX_CAPTURED), this.#order));
        return undefined;
      case F.ENHANCED_PACKET:
      case F.OBSOLETE_PACKET:
        return this.#packet(block);
      case F.SIMPLE_PACKET:
        return this.#simplePacket(block);
      default:
        return undefined;
    }
  }

  /** The first bytes of a block, which was found to lie wholly in the file. */
  #view({ offset, length }: Block, most: number): Buffer {
    const view = this.#file.view(offset, Math.min(length, most));
    if (view === undefined) throw captureInvalid(this.#file.path, 'was cut while it was read');
    return view;
  }

  #section(block: Block): string | undefined {
    const version = this.#order.u16(this.#view(block, F.MIN_SECTION_HEADER), F.SECTION_MAJOR);
    if (version !== F.MAJOR_VERSION)
      return `a section is of version ${version} of pcapng; ${F.MAJOR_VERSION} is known`;
    this.#interfaces = [];
    this.sections++;
    return undefined;
  }

  #packet(block: Block): string | undefined {
    const order = this.#order;
    const head = this.#view(block, F.PACKET_BYTES);
    const index =
      block.type === F.ENHANCED_PACKET
        ? order.u32(head, F.PACKET_INTERFACE)
        : order.u16(head, F.PACKET_INTERFACE);
    const from = this.#interfaces[index];
    if (from === undefined) return `a packet is of interface ${index}, which is not described`;
    const time = from.time(order.u32(head, F.PACKET_TIME_HIGH), order.u32(head, F.PACKET_TIME_LOW));
    const originalLength = order.u32(head, F.PACKET_ORIGINAL);
    return this.#handOver(block, F.PACKET_BYTES, order.u32(head, F.PACKET_CAPTURED), {
      originalLength,
      time,
      linkType: from.linkType,
    });
  }

  /** It is of the first interface, has no time, and its captured length follows from the others. */
  #simplePacket(block: Block): string | undefined {
    const from = this.#interfaces[0];
    if (from === undefined) return 'a packet is of interface 0, which is not described';
    const originalLength = this.#order.u32(this.#view(block, F.MIN_SIMPLE_PACKET), F.SIMPLE_ORIGINAL);
    const captured = from.snapLength === 0 ? originalLength : Math.min(originalLength, from.snapLength);
    return this.#handOver(block, F.SIMPLE_BYTES, captured, {
      originalLength,
      time: undefined,
      linkType: from.linkType,
    });
  }

  #handOver(
    block: Block,
    start: number,
    capturedLength: number,
    rest: { originalLength: number; time: bigint | undefined; linkType: number },
  ): string | undefined {
    if (start + capturedLength + F.BLOCK_TRAILER > block.length)
      return `a packet claims ${capturedLength} bytes in a block of ${block.length}`;
    const bytes = this.#file.view(block.offset + start, Math.min(capturedLength, MAX_CAPTURED));
    if (bytes === undefined) return 'it ends within a block';
    this.#take({ ...rest, bytes, capturedLength });
    return undefined;
  }
}

function byteOrderOf(head: Buffer): ByteOrder | undefined {
  return [LITTLE_ENDIAN, BIG_ENDIAN].find((order) => order.u32(head, F.SECTION_MAGIC) === F.BYTE_ORDER_MAGIC);
}

function leastLength(type: number): number {
  switch (type) {
    case F.SECTION_HEADER:
      return F.MIN_SECTION_HEADER;
    case F.INTERFACE_DESCRIPTION:
      return F.MIN_INTERFACE_DESCRIPTION;
    case F.ENHANCED_PACKET:
    case F.OBSOLETE_PACKET:
      return F.MIN_ENHANCED_PACKET;
    case F.SIMPLE_PACKET:
      return F.MIN_SIMPLE_PACKET;
    default:
      return F.MIN_BLOCK;
  }
}
