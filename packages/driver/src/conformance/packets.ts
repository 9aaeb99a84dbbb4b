/** Shortest packet that is sent either way, in bytes: an Ethernet header alone. */
export const SHORTEST = 14;
/** Ethernet, IPv4 and UDP headers. */
const HEADERS = 42;

/** A UDP packet of one flow, told apart by its number. */
export function packet(number: number, length = 64, destinationPort = 7000): Buffer {
  const bytes = Buffer.alloc(length, number & 0xff);
  const header =
    '02000000000a' +
    '02000000000b' +
    '0800' +
    '4500001c0000000040110000' +
    '0a000001' +
    '0a000002' +
    '1f40000000080000';
  bytes.write(header.slice(0, Math.min(length, HEADERS) * 2), 'hex');
  if (length >= HEADERS) bytes.writeUInt16BE(destinationPort, 36);
  if (length >= HEADERS + 4) bytes.writeUInt32BE(number, HEADERS);
  return bytes;
}

export const packets = (first: number, count: number): Buffer[] =>
  Array.from({ length: count }, (_, index) => packet(first + index));

export const hex = (list: readonly Uint8Array[]): string[] =>
  list.map((bytes) => Buffer.from(bytes).toString('hex'));
export const total = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);
