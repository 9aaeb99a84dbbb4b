/*
 * Messages of netlink(7) and rtnetlink(7): a header, a fixed structure, then attributes (length, type, value), each
 * padded to four bytes. Numbers are in the machine's order: little endian.
 */

// linux/netlink.h
export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
/** In an answer: what is dumped changed meanwhile, so the dump may lack something. */
export const NLM_F_DUMP_INTR = 0x10;
export const NLM_F_DUMP = 0x300;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;

const HEADER = 16;
const ATTRIBUTE_HEADER = 4;
const aligned = (length: number): number => (length + 3) & ~3;

/** struct nlmsghdr with its body. */
export function message(type: number, flags: number, sequence: number, body: Uint8Array): Buffer {
  const bytes = Buffer.alloc(HEADER + body.length);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt16LE(type, 4);
  bytes.writeUInt16LE(flags, 6);
  bytes.writeUInt32LE(sequence, 8);
  bytes.set(body, HEADER);
  return bytes;
}

/** struct rtattr with its value. */
export function attribute(type: number, value: Uint8Array): Buffer {
  const bytes = Buffer.alloc(aligned(ATTRIBUTE_HEADER + value.length));
  bytes.writeUInt16LE(ATTRIBUTE_HEADER + value.length, 0);
  bytes.writeUInt16LE(type, 2);
  bytes.set(value, ATTRIBUTE_HEADER);
  return bytes;
}

export const textAttribute = (type: number, text: string): Buffer =>
  attribute(type, Buffer.from(`${text}\0`));

export function u32Attribute(type: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return attribute(type, bytes);
}

/** An attribute whose value is attributes, after an optional fixed structure. */
export const nestedAttribute = (type: number, parts: readonly Uint8Array[]): Buffer =>
  attribute(type | NLA_F_NESTED, Buffer.concat(parts));

export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly body: Buffer;
}

/** Cuts what one recvmsg(2) returned into messages. */
export function* readMessages(bytes: Buffer): Generator<NetlinkMessage> {
  for (let at = 0; at + HEADER <= bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    if (length < HEADER || at + length > bytes.length) return;
    const body = bytes.subarray(at + HEADER, at + length);
    yield {
      type: bytes.readUInt16LE(at + 4),
      flags: bytes.readUInt16LE(at + 6),
      sequence: bytes.readUInt32LE(at + 8),
      body,
    };
    at += aligned(length);
  }
}

/** The attributes in `bytes`, by type. */
export function readAttributes(bytes: Buffer): Map<number, Buffer> {
  const attributes = new Map<number, Buffer>();
  for (let at = 0; at + ATTRIBUTE_HEADER <= bytes.length; ) {
    const length = bytes.readUInt16LE(at);
    if (length < ATTRIBUTE_HEADER || at + length > bytes.length) break;
    attributes.set(
      bytes.readUInt16LE(at + 2) & NLA_TYPE_MASK,
      bytes.subarray(at + ATTRIBUTE_HEADER, at + length),
    );
    at += aligned(length);
  }
  return attributes;
}

/**
 * Visits the attributes of a message's body from `offset` on: type, first byte of the value, byte behind it. Makes no
 * objects: for tables of many thousand messages.
 */
export function visitAttributes(
  body: Buffer,
  offset: number,
  visit: (type: number, start: number, end: number) => void,
  until = body.length,
): void {
  for (let at = offset; at + ATTRIBUTE_HEADER <= until; ) {
    const length = body.readUInt16LE(at);
    if (length < ATTRIBUTE_HEADER || at + length > until) return;
    visit(body.readUInt16LE(at + 2) & NLA_TYPE_MASK, at + ATTRIBUTE_HEADER, at + length);
    at += aligned(length);
  }
}
