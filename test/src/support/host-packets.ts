/* Packets of a host on the wire, as its kernel would send them. */
import { parseMac } from '@nicshare/shm';

/** A host: its MAC and IPv4 addresses. */
export interface Host {
  readonly mac: string;
  readonly ip: string;
}

const ipBytes = (ip: string): number[] => ip.split('.').map(Number);
const ethernet = (to: Uint8Array, from: Uint8Array, type: number): Buffer =>
  Buffer.from([...to, ...from, type >>> 8, type & 0xff]);

/** RFC 1071. */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at + 1 < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  if (bytes.length % 2 === 1) sum += bytes[bytes.length - 1]! << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** Who has an address? (RFC 826) */
export function arpRequest(from: Host, wanted: string): Buffer {
  const body = Buffer.from('0001080006040001', 'hex');
  const mac = parseMac(from.mac);
  return Buffer.concat([
    ethernet(new Uint8Array(6).fill(0xff), mac, 0x0806),
    body,
    mac,
    Buffer.from([...ipBytes(from.ip), 0, 0, 0, 0, 0, 0, ...ipBytes(wanted)]),
  ]);
}

function ipv4(from: Host, to: Host, protocol: number, body: Buffer): Buffer {
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header.writeUInt16BE(20 + body.length, 2);
  header[8] = 64;
  header[9] = protocol;
  header.set([...ipBytes(from.ip), ...ipBytes(to.ip)], 12);
  header.writeUInt16BE(checksum(header), 10);
  return Buffer.concat([ethernet(parseMac(to.mac), parseMac(from.mac), 0x0800), header, body]);
}

/** An ICMP echo request (RFC 792). */
export function echoRequest(from: Host, to: Host, payload: Uint8Array): Buffer {
  const message = Buffer.concat([Buffer.from([8, 0, 0, 0, 0x4e, 0x53, 0, 1]), payload]);
  message.writeUInt16BE(checksum(message), 2);
  return ipv4(from, to, 1, message);
}

/** A UDP packet without a checksum (RFC 768). */
export function udpPacket(
  from: Host,
  to: Host,
  ports: { readonly from: number; readonly to: number },
  payload: Uint8Array,
): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(ports.from, 0);
  header.writeUInt16BE(ports.to, 2);
  header.writeUInt16BE(8 + payload.length, 4);
  return ipv4(from, to, 17, Buffer.concat([header, payload]));
}
