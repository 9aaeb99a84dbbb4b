/** Bytes of the payloads, in turn: from a frame of minimum size to nearly a full one. */
const SIZES = [18, 64, 256, 1200] as const;
const NUMBER_BYTES = 4;

/** The payload of packet `number`: the number, then bytes that follow from it. */
export function payload(number: number): Buffer {
  const bytes = Buffer.alloc(SIZES[number % SIZES.length]!);
  bytes.writeUInt32BE(number, 0);
  for (let i = NUMBER_BYTES; i < bytes.length; i++) bytes[i] = number + i;
  return bytes;
}

/** The number of a payload that came back whole; undefined where a byte differs. */
export function numberOf(bytes: Buffer): number | undefined {
  if (bytes.length < NUMBER_BYTES) return undefined;
  const number = bytes.readUInt32BE(0);
  return payload(number).equals(bytes) ? number : undefined;
}
