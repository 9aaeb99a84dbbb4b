import { BIG_ENDIAN, type ByteOrder, LITTLE_ENDIAN } from './byte-order.js';
import type { FileWindow } from './file-window.js';
import { captureInvalid, MAX_CAPTURED, type TakePacket } from './packet.js';

/* The pcap format, draft-ietf-opsawg-pcap, sections 4 (file header) and 5 (packet record). */

const FILE_HEADER = 24;
const VERSION_MAJOR = 4;
const VERSION_MINOR = 6;
const SNAP_LENGTH = 16;
/** Its upper bits tell of a frame check sequence; one in the file stays a part of the packet. */
const LINK_TYPE = 20;
const LINK_TYPE_MASK = 0xffff;

const RECORD_HEADER = 16;
const RECORD_SECONDS = 0;
const RECORD_FRACTION = 4;
const RECORD_CAPTURED = 8;
const RECORD_ORIGINAL = 12;

const NANOSECONDS = 1_000_000_000n;

interface Variant {
  readonly order: ByteOrder;
  /** Of one unit of a record's fraction of a second. */
  readonly nanoseconds: bigint;
}

/** By the magic number, read as big endian. */
const VARIANTS: ReadonlyMap<number, Variant> = new Map([
  [0xa1b2c3d4, { order: BIG_ENDIAN, nanoseconds: 1000n }],
  [0xd4c3b2a1, { order: LITTLE_ENDIAN, nanoseconds: 1000n }],
  [0xa1b23c4d, { order: BIG_ENDIAN, nanoseconds: 1n }],
  [0x4d3cb2a1, { order: LITTLE_ENDIAN, nanoseconds: 1n }],
]);

/** Whether a file begins like a pcap file. */
export const isPcap = (magic: Buffer): boolean => VARIANTS.has(magic.readUInt32BE(0));

/** Hands over all packets; returns the damage that ended it. Throws NicshareError CaptureInvalid. */
export function readPcap(file: FileWindow, take: TakePacket): string | undefined {
  const header = file.view(0, FILE_HEADER);
  if (header === undefined) throw captureInvalid(file.path, 'ends within the header of a pcap file');
  const { order, nanoseconds } = VARIANTS.get(header.readUInt32BE(0))!;
  const version = `${order.u16(header, VERSION_MAJOR)}.${order.u16(header, VERSION_MINOR)}`;
  if (version !== '2.4') throw captureInvalid(file.path, `is of version ${version} of pcap; 2.4 is known`);
  const linkType = order.u32(header, LINK_TYPE) & LINK_TYPE_MASK;
  const longest = Math.max(order.u32(header, SNAP_LENGTH), MAX_CAPTURED);

  let offset = FILE_HEADER;
  for (let number = 1; offset < file.size; number++) {
    const record = file.view(offset, RECORD_HEADER);
    if (record === undefined) return `it ends within the header of packet ${number}`;
    const time =
      BigInt(order.u32(record, RECORD_SECONDS)) * NANOSECONDS +
      BigInt(order.u32(record, RECORD_FRACTION)) * nanoseconds;
    const capturedLength = order.u32(record, RECORD_CAPTURED);
    const originalLength = order.u32(record, RECORD_ORIGINAL);
    if (capturedLength > longest) return `packet ${number} claims ${capturedLength} bytes`;
    const start = offset + RECORD_HEADER;
    offset = start + capturedLength;
    const bytes = file.view(start, Math.min(capturedLength, MAX_CAPTURED));
    if (bytes === undefined || offset > file.size) return `it ends within packet ${number}`;
    take({ bytes, capturedLength, originalLength, time, linkType });
  }
  return undefined;
}
