/*
 * Headers of an Ethernet frame that carries IPv4, for the examples that answer. Offsets count from the start of the
 * frame, or of the header that they are named after (IEEE 802.3, clause 3; RFC 791; RFC 792; RFC 768).
 */
const MAC_LENGTH = 6;
const ETHER_TYPE = 12;
const ETHER_TYPE_IPV4 = 0x0800;
const IPV4 = 14;
const IPV4_MIN_LENGTH = 20;
const IPV4_TOTAL_LENGTH = 2;
const IPV4_FRAGMENT = 6;
const IPV4_PROTOCOL = 9;
const IPV4_CHECKSUM = 10;
const IPV4_SOURCE = 12;
const IPV4_DESTINATION = 16;
const IPV4_ADDRESS_LENGTH = 4;
/** More-fragments bit and fragment offset: both 0 in a packet that is whole. */
const FRAGMENT_BITS = 0x3fff;

export const ICMP = 1;
export const UDP = 17;
export const UDP_HEADER_LENGTH = 8;
const UDP_PORT_LENGTH = 2;
const UDP_LENGTH = 4;
const UDP_CHECKSUM = 6;

export const readU16 = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!;

export function writeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

/**
 * Where the header of `protocol` starts in the frame at `start`, if `wanted` bytes of it are there; else 0: another
 * protocol, a fragment, or cut short.
 */
export function transportHeader(
  bytes: Uint8Array,
  start: number,
  length: number,
  protocol: number,
  wanted: number,
): number {
  if (length < IPV4 + IPV4_MIN_LENGTH || readU16(bytes, start + ETHER_TYPE) !== ETHER_TYPE_IPV4) return 0;
  const ip = start + IPV4;
  if (bytes[ip]! >>> 4 !== 4 || bytes[ip + IPV4_PROTOCOL] !== protocol) return 0;
  if ((readU16(bytes, ip + IPV4_FRAGMENT) & FRAGMENT_BITS) !== 0) return 0;
  const headerLength = (bytes[ip]! & 0x0f) * 4;
  if (headerLength < IPV4_MIN_LENGTH || IPV4 + headerLength + wanted > length) return 0;
  return ip + headerLength;
}

/** 'SOURCE -> DESTINATION' of a frame that carries IPv4, else 'not IPv4'. */
export function ipv4Addresses(frame: Uint8Array): string {
  if (frame.length < IPV4 + IPV4_MIN_LENGTH || readU16(frame, ETHER_TYPE) !== ETHER_TYPE_IPV4)
    return 'not IPv4';
  const address = (at: number): string =>
    frame.subarray(IPV4 + at, IPV4 + at + IPV4_ADDRESS_LENGTH).join('.');
  return `${address(IPV4_SOURCE)} -> ${address(IPV4_DESTINATION)}`;
}

export function copyBytes(from: Uint8Array, start: number, to: Uint8Array, at: number, length: number): void {
  for (let i = 0; i < length; i++) to[at + i] = from[start + i]!;
}

/** Exchanges two fields of `length` bytes. */
export function swapFields(bytes: Uint8Array, a: number, b: number, length: number): void {
  for (let i = 0; i < length; i++) {
    const byte = bytes[a + i]!;
    bytes[a + i] = bytes[b + i]!;
    bytes[b + i] = byte;
  }
}

/** Sends an IPv4 frame back where it came from. Checksums stay right: a sum does not care about the order. */
export function turnAround(bytes: Uint8Array, start: number): void {
  swapFields(bytes, start, start + MAC_LENGTH, MAC_LENGTH);
  const ip = start + IPV4;
  swapFields(bytes, ip + IPV4_SOURCE, ip + IPV4_DESTINATION, IPV4_ADDRESS_LENGTH);
}

/** From port to port; the checksum stays right, as it does for the addresses. */
export const swapPorts = (bytes: Uint8Array, udp: number): void =>
  swapFields(bytes, udp, udp + UDP_PORT_LENGTH, UDP_PORT_LENGTH);

/** A new frame that carries `payload` back to who sent `request`, whose UDP header starts at `udp`. */
export function udpAnswer(request: Uint8Array, udp: number, payload: Uint8Array): Uint8Array {
  const length = UDP_HEADER_LENGTH + payload.length;
  const frame = new Uint8Array(udp + length);
  frame.set(request.subarray(0, udp + UDP_HEADER_LENGTH));
  frame.set(payload, udp + UDP_HEADER_LENGTH);
  turnAround(frame, 0);
  swapPorts(frame, udp);
  writeU16(frame, udp + UDP_LENGTH, length);
  writeU16(frame, udp + UDP_CHECKSUM, 0); // none, as IPv4 allows
  writeU16(frame, IPV4 + IPV4_TOTAL_LENGTH, frame.length - IPV4);
  writeU16(frame, IPV4 + IPV4_CHECKSUM, 0);
  writeU16(frame, IPV4 + IPV4_CHECKSUM, checksum(frame, IPV4, udp));
  return frame;
}

/** RFC 1071, of an even number of bytes. */
function checksum(bytes: Uint8Array, start: number, end: number): number {
  let sum = 0;
  for (let at = start; at < end; at += 2) sum += readU16(bytes, at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
