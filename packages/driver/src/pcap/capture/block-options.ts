import * as F from './pcapng-format.js';

/** An option of a block: text, a 32-bit number, or bytes as they are. */
export interface BlockOption {
  readonly code: number;
  readonly value: string | number | Uint8Array;
}

const NONE = new Uint32Array(0);

function bytesOf(value: BlockOption['value']): Uint8Array {
  if (typeof value === 'string') return Buffer.from(value);
  if (typeof value === 'number') return new Uint8Array(Uint32Array.of(value).buffer);
  return value;
}

/** A number of 64 bits as an option's value, in this machine's byte order. */
export const wide = (value: number): Uint8Array => new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);

/** Options as they stand in a block (draft-ietf-opsawg-pcapng, 3.5), with the end after them; nothing for none. */
export function encodeOptions(options: readonly BlockOption[]): Uint32Array {
  if (options.length === 0) return NONE;
  const parts = options.map(({ code, value }) => ({ code, bytes: bytesOf(value) }));
  const size = parts.reduce((sum, { bytes }) => sum + F.OPTION_HEADER + ((bytes.length + 3) & ~3), 0);
  const area = Buffer.alloc(size + F.OPTION_HEADER);
  let at = 0;
  for (const { code, bytes } of parts) {
    area.writeUInt16LE(code, at);
    area.writeUInt16LE(bytes.length, at + 2);
    area.set(bytes, at + F.OPTION_HEADER);
    at += F.OPTION_HEADER + ((bytes.length + 3) & ~3);
  }
  return new Uint32Array(area.buffer.slice(area.byteOffset, area.byteOffset + area.length));
}
