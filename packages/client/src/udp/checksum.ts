/*
 * The Internet checksum (RFC 1071). Sums are taken over words as they lie in memory: byte order does not matter as
 * long as the result is written back the same way.
 */

/** One memory as bytes and as words. */
export interface Memory {
  readonly bytes: Uint8Array;
  readonly words: Uint16Array;
  readonly longs: Uint32Array;
}

/** Views of the memory of `bytes`, which starts at a multiple of four. */
export function memoryOf(bytes: Uint8Array): Memory {
  const { buffer, byteOffset, byteLength } = bytes;
  return {
    bytes,
    words: new Uint16Array(buffer, byteOffset, byteLength >> 1),
    longs: new Uint32Array(buffer, byteOffset, byteLength >> 2),
  };
}

/** Adds up `length` bytes from the even offset `at` on; exact to 64 KiB. */
export function sumOf({ bytes, words, longs }: Memory, at: number, length: number): number {
  const end = at + length;
  const lastWord = end >> 1;
  let word = at >> 1;
  let sum = 0;
  if ((word & 1) === 1 && word < lastWord) sum = words[word++]!;
  const lastLong = lastWord >> 1;
  for (let long = word >> 1; long < lastLong; long++) {
    const value = longs[long]!;
    sum += (value & 0xffff) + (value >>> 16);
  }
  // What whole longs did not reach, where there were any to begin with.
  word = Math.max(word, lastLong << 1);
  if (word < lastWord) sum += words[word]!;
  // An odd byte counts as the first of a word whose second is 0.
  return (end & 1) === 1 ? sum + bytes[end - 1]! : sum;
}

/** The sum as 16 bits, carries added back in; 0xffff over what has a right checksum. */
export function fold(sum: number): number {
  sum = (sum & 0xffff) + (sum >>> 16);
  return (sum & 0xffff) + (sum >>> 16);
}
