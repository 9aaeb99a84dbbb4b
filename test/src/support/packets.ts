/* UDP packets that carry a sequence number and a pattern that follows from it: loss, order and damage can be seen. */
const SEQUENCE = 42;
const PATTERN = SEQUENCE + 4;
export const PACKET_BYTES = 64;

const HEADER = Buffer.from(
  '020000000001' + '020000000002' + '0800' + '45000032000040004011000000000000' + '00000000' + '0a000001',
  'hex',
).subarray(0, 34);

const patternByte = (sequence: number, at: number): number => (sequence * 31 + at * 7) & 0xff;

/** An Ethernet, IPv4 and UDP packet to a port. */
export function numberedPacket(port: number, sequence: number, length = PACKET_BYTES): Buffer {
  const packet = Buffer.alloc(length);
  HEADER.copy(packet);
  packet.writeUInt16BE(length - 14, 16);
  packet.writeUInt16BE(port, 36);
  packet.writeUInt16BE(length - 34, 38);
  packet.writeUInt32BE(sequence, SEQUENCE);
  for (let at = PATTERN; at < length; at++) packet[at] = patternByte(sequence, at);
  return packet;
}

const view = (packet: Uint8Array): Buffer => Buffer.from(packet.buffer, packet.byteOffset, packet.length);

export const portOf = (packet: Uint8Array): number =>
  packet.length >= PATTERN ? view(packet).readUInt16BE(36) : -1;

/** The sequence number of a packet that is as `numberedPacket` made it; undefined where a byte differs. */
export function intactSequence(packet: Uint8Array, port: number): number | undefined {
  if (packet.length < PATTERN) return undefined;
  const sequence = view(packet).readUInt32BE(SEQUENCE);
  return numberedPacket(port, sequence, packet.length).equals(packet) ? sequence : undefined;
}
