import type { AddressWords } from '@nicshare/shm';

/*
 * IP addresses as numbers of 128 bits, an IPv4 one as ::ffff:a.b.c.d: keys of maps and ends of ranges. Only what runs
 * on a change of the kernel's tables works with them.
 */

const IPV4 = 0xffffn << 32n;

/** Of 4 or 16 bytes in network order; of none, the first address of the family. */
export function toNumber(bytes: Buffer, ipv4: boolean): bigint {
  if (bytes.length === 0) return ipv4 ? IPV4 : 0n;
  if (bytes.length === 4) return IPV4 | BigInt(bytes.readUInt32BE(0));
  return (bytes.readBigUInt64BE(0) << 64n) | bytes.readBigUInt64BE(8);
}

const halves = new BigUint64Array(2);
const halvesAsWords = new Uint32Array(halves.buffer);

export function numberToWords(address: bigint, words: AddressWords): AddressWords {
  halves[0] = address >> 64n;
  halves[1] = address;
  words[0] = halvesAsWords[1]!;
  words[1] = halvesAsWords[0]!;
  words[2] = halvesAsWords[3]!;
  words[3] = halvesAsWords[2]!;
  return words;
}

export function wordsToNumber(words: AddressWords): bigint {
  let address = 0n;
  for (let i = 0; i < 4; i++) address = (address << 32n) | BigInt(words[i]!);
  return address;
}

export const isIpv4Number = (address: bigint): boolean => address >> 32n === 0xffffn;

/** The 4 or 16 bytes that the kernel takes. */
export function toBytes(address: bigint): Buffer {
  const ipv4 = isIpv4Number(address);
  const value = ipv4 ? address & 0xffffffffn : address;
  return Buffer.from(value.toString(16).padStart(ipv4 ? 8 : 32, '0'), 'hex');
}

/** The family's first and last address. */
export const SPACE = {
  ipv4: { first: IPV4, last: IPV4 | 0xffffffffn },
  ipv6: { first: 0n, last: (1n << 128n) - 1n },
} as const;
