/* UDP datagrams and frames, made for tests of the reader. */
import { parseMac } from '@nicshare/shm';
import { writeU16 } from '../headers.js';
import { checksum, ipBytes, pseudoHeader, type Station } from './internet.js';

const IPV4_HEADER = 20;
const UDP_HEADER = 8;
const TTL = 64;
const ETHER_TYPE_IPV4 = 0x0800;

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
