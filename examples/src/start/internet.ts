import { parseMac } from '@nicshare/shm';
import { ICMP, UDP, writeU16 } from '../headers.js';

/* ICMP echo messages, UDP datagrams and frames, made and checked (RFC 791, 792, 768, 1071). */

const ETHERNET_HEADER = 14;
const IPV4_HEADER = 20;
const UDP_HEADER = 8;
const ICMP_HEADER = 8;
const ETHER_TYPE_IPV4 = 0x0800;
const TTL = 64;
export const ECHO_REQUEST = 8;
export const ECHO_REPLY = 0;

/** Who an address belongs to. */
export interface Station {
  readonly ip: string;
  readonly mac: string;
}

const ipBytes = (ip: string): Buffer => Buffer.from(ip.split('.').map(Number));

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
export function echoReplyData(message: Buffer): Buffer | undefined {
  if (message.length < ICMP_HEADER || message[0] !== ECHO_REPLY || checksum(message) !== 0) return undefined;
  return message.subarray(ICMP_HEADER);
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

const pseudoHeader = (source: Uint8Array, destination: Uint8Array, length: number): Buffer =>
  Buffer.from([...source, ...destination, 0, UDP, length >>> 8, length & 0xff]);

export function udpDatagram(
  from: Station & { port: number },
  to: Station & { port: number },
  data: Buffer,
): Buffer {
  const datagram = Buffer.alloc(UDP_HEADER + data.length);
  datagram.writeUInt16BE(from.port, 0);
  datagram.writeUInt16BE(to.port, 2);
  datagram.writeUInt16BE(datagram.length, 4);
  datagram.set(data, UDP_HEADER);
  const sum = checksum(pseudoHeader(ipBytes(from.ip), ipBytes(to.ip), datagram.length), datagram);
  writeU16(datagram, 6, sum === 0 ? 0xffff : sum);
  return datagram;
}

/** A frame around an IPv4 packet around `payload`. */
export function frame(from: Station, to: Station, protocol: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(IPV4_HEADER);
  header[0] = 0x45;
  header.writeUInt16BE(IPV4_HEADER + payload.length, 2);
  header[8] = TTL;
  header[9] = protocol;
  header.set(ipBytes(from.ip), 12);
  header.set(ipBytes(to.ip), 16);
  writeU16(header, 10, checksum(header));
  const etherType = Buffer.from([ETHER_TYPE_IPV4 >>> 8, ETHER_TYPE_IPV4 & 0xff]);
  return Buffer.concat([parseMac(to.mac), parseMac(from.mac), etherType, header, payload]);
}

/** What a captured frame answers with; undefined where an address, a length or a checksum is wrong. */
export type Answer =
  | { readonly protocol: 'icmp'; readonly data: Buffer }
  | { readonly protocol: 'udp'; readonly sourcePort: number; readonly data: Buffer };

/** Reads a frame that went from `from` to `to`: an echo reply or a UDP datagram, every checksum verified. */
export function readAnswer(bytes: Buffer, from: Station, to: Station): Answer | undefined {
  const addresses = Buffer.concat([parseMac(to.mac), parseMac(from.mac)]);
  if (!bytes.subarray(0, addresses.length).equals(addresses)) return undefined;
  const packet = bytes.subarray(ETHERNET_HEADER);
  const payload = ipv4Payload(packet);
  if (payload === undefined) return undefined;
  const ips = packet.subarray(12, IPV4_HEADER);
  if (!ips.equals(Buffer.concat([ipBytes(from.ip), ipBytes(to.ip)]))) return undefined;
  if (packet[9] === ICMP) {
    const data = echoReplyData(payload);
    return data && { protocol: 'icmp', data };
  }
  if (packet[9] !== UDP || payload.length < UDP_HEADER) return undefined;
  const sum = checksum(pseudoHeader(ips.subarray(0, 4), ips.subarray(4), payload.length), payload);
  if (payload.readUInt16BE(4) !== payload.length || sum !== 0) return undefined;
  return { protocol: 'udp', sourcePort: payload.readUInt16BE(0), data: payload.subarray(UDP_HEADER) };
}
