import { parseMac } from '@nicshare/shm';
import { ICMP, UDP, writeU16 } from '../headers.js';

/* ICMP echo messages made, and messages and the frames around them read and checked (RFC 791, 792, 768, 1071). */

const ETHERNET_HEADER = 14;
const IPV4_HEADER = 20;
const UDP_HEADER = 8;
const ICMP_HEADER = 8;
export const ECHO_REQUEST = 8;
export const ECHO_REPLY = 0;

/** Who an address belongs to. */
export interface Station {
  readonly ip: string;
  readonly mac: string;
}

export const ipBytes = (ip: string): Buffer => Buffer.from(ip.split('.').map(Number));

/** The Internet checksum over the parts one after the other, all but the last of even length. 0 over what has a right one. */
export function checksum(...parts: readonly Buffer[]): number {
  let sum = 0;
  for (const bytes of parts)
    for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

export function icmpEcho(type: number, number: number, data: Buffer): Buffer {
  const message = Buffer.alloc(ICMP_HEADER + data.length);
  message[0] = type;
  message.writeUInt16BE(number & 0xffff, 6);
  message.set(data, ICMP_HEADER);
  writeU16(message, 2, checksum(message));
  return message;
}

/** The data of an echo reply; undefined where it is none, or its checksum is wrong. */
export function echoReplyData(bytes: Buffer): Buffer | undefined {
  const message = readIcmp(bytes);
  return message?.protocol === 'icmp' && message.type === ECHO_REPLY ? message.data : undefined;
}

/** What is behind the header of an IPv4 packet; undefined where its checksum or a length is wrong. */
export function ipv4Payload(packet: Buffer): Buffer | undefined {
  if (packet.length < IPV4_HEADER || packet[0]! >>> 4 !== 4) return undefined;
  const headerLength = (packet[0]! & 0x0f) * 4;
  const total = packet.readUInt16BE(2);
  if (headerLength < IPV4_HEADER || total < headerLength || total > packet.length) return undefined;
  if (checksum(packet.subarray(0, headerLength)) !== 0) return undefined;
  return packet.subarray(headerLength, total);
}

export const pseudoHeader = (source: Uint8Array, destination: Uint8Array, length: number): Buffer =>
  Buffer.from([...source, ...destination, 0, UDP, length >>> 8, length & 0xff]);

/** What a frame carries. */
export type Message =
  | { readonly protocol: 'icmp'; readonly type: number; readonly data: Buffer }
  | {
      readonly protocol: 'udp';
      readonly sourcePort: number;
      readonly destinationPort: number;
      readonly data: Buffer;
    };

/**
 * Reads a frame that went from `from` to `to`, an ICMP message or a UDP datagram; undefined where an address, a length
 * or a checksum is wrong.
 */
export function readMessage(bytes: Buffer, from: Station, to: Station): Message | undefined {
  const addresses = Buffer.concat([parseMac(to.mac), parseMac(from.mac)]);
  if (!bytes.subarray(0, addresses.length).equals(addresses)) return undefined;
  const packet = bytes.subarray(ETHERNET_HEADER);
  const payload = ipv4Payload(packet);
  if (payload === undefined) return undefined;
  const ips = packet.subarray(12, IPV4_HEADER);
  if (!ips.equals(Buffer.concat([ipBytes(from.ip), ipBytes(to.ip)]))) return undefined;
  if (packet[9] === ICMP) return readIcmp(payload);
  return packet[9] === UDP ? readUdp(payload, ips) : undefined;
}

function readIcmp(message: Buffer): Message | undefined {
  if (message.length < ICMP_HEADER || checksum(message) !== 0) return undefined;
  return { protocol: 'icmp', type: message[0]!, data: message.subarray(ICMP_HEADER) };
}

function readUdp(datagram: Buffer, ips: Buffer): Message | undefined {
  if (datagram.length < UDP_HEADER || datagram.readUInt16BE(4) !== datagram.length) return undefined;
  const pseudo = pseudoHeader(ips.subarray(0, 4), ips.subarray(4), datagram.length);
  if (checksum(pseudo, datagram) !== 0) return undefined;
  return {
    protocol: 'udp',
    sourcePort: datagram.readUInt16BE(0),
    destinationPort: datagram.readUInt16BE(2),
    data: datagram.subarray(UDP_HEADER),
  };
}
