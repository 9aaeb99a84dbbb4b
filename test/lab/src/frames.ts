/* Ethernet frames that the far end of a card's cable sends: numbered datagrams, ARP (RFC 826) and ping (RFC 792). */

/** The far end's addresses, and the card's. */
export const PEER_MAC = '02:00:00:00:00:02';
export const PEER_IP = '10.9.0.2';
export const CARD_MAC = '52:54:00:12:34:56';
export const CARD_IP = '10.9.0.1';

const IP = 14;
const TRANSPORT = IP + 20;
const PAYLOAD = TRANSPORT + 8;
const NUMBERS = PAYLOAD + 8;
const FIRST_SOURCE_PORT = 40000;
const SOURCE_PORTS = 4;

const mac = (text: string): Buffer => Buffer.from(text.replaceAll(':', ''), 'hex');
const ip = (text: string): Buffer => Buffer.from(text.split('.').map(Number));

function ethernet(bytes: number, destination: string, etherType: number): Buffer {
  const frame = Buffer.alloc(bytes);
  mac(destination).copy(frame, 0);
  mac(PEER_MAC).copy(frame, 6);
  frame.writeUInt16BE(etherType, 12);
  return frame;
}

/** The internet checksum (RFC 1071) of some bytes. */
export function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2)
    sum += bytes[at]! * 256 + (at + 1 < bytes.length ? bytes[at + 1]! : 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum ^ 0xffff;
}

function ipv4(bytes: number, protocol: number): Buffer {
  const frame = ethernet(bytes, CARD_MAC, 0x0800);
  frame[IP] = 0x45;
  frame.writeUInt16BE(bytes - IP, IP + 2);
  frame[IP + 8] = 64;
  frame[IP + 9] = protocol;
  ip(PEER_IP).copy(frame, IP + 12);
  ip(CARD_IP).copy(frame, IP + 16);
  frame.writeUInt16BE(checksum(frame.subarray(IP, TRANSPORT)), IP + 10);
  return frame;
}

/** Datagrams are spread over so many flows, a quarter as many destination ports. */
export const flowsOf = (ports: readonly number[]): number => ports.length * SOURCE_PORTS;

/**
 * A UDP datagram without a checksum, of the flow that its number falls to; its payload is its epoch and number, and
 * bytes that follow from them.
 */
export function numbered(ports: readonly number[], epoch: number, number: number, bytes: number): Buffer {
  const frame = ipv4(bytes, 17);
  const flow = number % flowsOf(ports);
  frame.writeUInt16BE(FIRST_SOURCE_PORT + Math.floor(flow / ports.length), TRANSPORT);
  frame.writeUInt16BE(ports[flow % ports.length]!, TRANSPORT + 2);
  frame.writeUInt16BE(bytes - TRANSPORT, TRANSPORT + 4);
  frame.writeUInt32BE(epoch, PAYLOAD);
  frame.writeUInt32BE(number, PAYLOAD + 4);
  for (let at = NUMBERS; at < bytes; at++) frame[at] = (epoch * 7 + number * 31 + at * 13) & 0xff;
  return frame;
}

/** The epoch and number of a frame that may be such a datagram, echoed. */
export function readNumbers(frame: Buffer): { epoch: number; number: number } | undefined {
  if (frame.length < NUMBERS || frame.readUInt16BE(12) !== 0x0800 || frame[IP + 9] !== 17) return undefined;
  return { epoch: frame.readUInt32BE(PAYLOAD), number: frame.readUInt32BE(PAYLOAD + 4) };
}

/** A frame as an echo sends it back: with its MAC addresses exchanged. */
export function turned(frame: Buffer): Buffer {
  const copy = Buffer.from(frame);
  frame.copy(copy, 0, 6, 12);
  frame.copy(copy, 6, 0, 6);
  return copy;
}

/** Who has the card's IP address? */
export function arpRequest(): Buffer {
  const frame = ethernet(60, 'ff:ff:ff:ff:ff:ff', 0x0806);
  Buffer.from('0001080006040001', 'hex').copy(frame, 14);
  mac(PEER_MAC).copy(frame, 22);
  ip(PEER_IP).copy(frame, 28);
  ip(CARD_IP).copy(frame, 38);
  return frame;
}

/** The answer that the card's owner owes us. */
export const isArpReply = (frame: Buffer): boolean =>
  frame.readUInt16BE(12) === 0x0806 &&
  frame.readUInt16BE(20) === 2 &&
  frame.subarray(0, 6).equals(mac(PEER_MAC)) &&
  frame.subarray(22, 28).equals(mac(CARD_MAC)) &&
  frame.subarray(28, 32).equals(ip(CARD_IP));

const PING_BYTES = 98;

/** An ICMP echo request. */
export function ping(sequence: number): Buffer {
  const frame = ipv4(PING_BYTES, 1);
  frame[TRANSPORT] = 8;
  frame.writeUInt16BE(sequence, TRANSPORT + 6);
  for (let at = PAYLOAD; at < PING_BYTES; at++) frame[at] = (sequence + at) & 0xff;
  frame.writeUInt16BE(checksum(frame.subarray(TRANSPORT)), TRANSPORT + 2);
  return frame;
}

/** Whether a frame is the reply to that request: to us, whole, with our bytes. */
export const isPong = (frame: Buffer, sequence: number): boolean =>
  frame.length === PING_BYTES &&
  frame.readUInt16BE(12) === 0x0800 &&
  frame[IP + 9] === 1 &&
  frame[TRANSPORT] === 0 &&
  frame.subarray(0, 6).equals(mac(PEER_MAC)) &&
  frame.subarray(IP + 12, IP + 16).equals(ip(CARD_IP)) &&
  checksum(frame.subarray(IP, TRANSPORT)) === 0 &&
  checksum(frame.subarray(TRANSPORT)) === 0 &&
  frame.subarray(TRANSPORT + 4).equals(ping(sequence).subarray(TRANSPORT + 4));
