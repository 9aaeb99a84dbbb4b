import { parseMac } from '@nicshare/shm';

/* UDP datagrams over IPv4 and Ethernet, made and read byte by byte (RFC 791, 768, 1071). */

export interface Station {
  readonly mac: string;
  readonly ip: string;
  readonly port: number;
}

const HEADERS = 42;

export function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

const ipBytes = (ip: string): number[] => ip.split('.').map(Number);

const withPseudoHeader = (frame: Buffer, end: number): Buffer =>
  Buffer.concat([
    frame.subarray(26, 34),
    Buffer.from([0, 17]),
    frame.subarray(38, 40),
    frame.subarray(34, end),
  ]);

/** A frame; shorter ones than 60 bytes are filled up with bytes that are not 0. */
export function datagram(from: Station, to: Station, payload: Uint8Array): Buffer {
  const end = HEADERS + payload.length;
  const frame = Buffer.alloc(Math.max(end, 60), 0xee);
  frame.fill(0, 0, HEADERS);
  frame.set([...parseMac(to.mac), ...parseMac(from.mac), 8, 0, 0x45]);
  frame.writeUInt16BE(28 + payload.length, 16);
  frame.set([64, 17, 0, 0, ...ipBytes(from.ip), ...ipBytes(to.ip)], 22);
  frame.writeUInt16BE(checksum(frame.subarray(14, 34)), 24);
  frame.writeUInt16BE(from.port, 34);
  frame.writeUInt16BE(to.port, 36);
  frame.writeUInt16BE(8 + payload.length, 38);
  frame.set(payload, HEADERS);
  frame.writeUInt16BE(checksum(withPseudoHeader(frame, end)) || 0xffff, 40);
  return frame;
}

/** What a frame carries, where every checksum and length of it is right. */
export function readDatagram(
  bytes: Uint8Array,
): { toMac: string; from: string; to: string; ttl: number; text: string } | undefined {
  const frame = Buffer.from(bytes);
  const end = 14 + frame.readUInt16BE(16);
  if (end > frame.length || frame.length < 60) return undefined;
  if (checksum(frame.subarray(14, 34)) !== 0 || checksum(withPseudoHeader(frame, end)) !== 0)
    return undefined;
  const ip = (at: number): string => frame.subarray(at, at + 4).join('.');
  return {
    toMac: frame.subarray(0, 6).toString('hex'),
    from: `${ip(26)}:${frame.readUInt16BE(34)}`,
    to: `${ip(30)}:${frame.readUInt16BE(36)}`,
    ttl: frame[22]!,
    text: frame.subarray(HEADERS, end).toString(),
  };
}
