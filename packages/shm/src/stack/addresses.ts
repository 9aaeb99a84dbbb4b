/*
 * IP addresses as four u32 in the order of the text: the form in which the snapshot holds them and in which they can be
 * compared without allocating anything. An IPv4 address is ::ffff:a.b.c.d there (RFC 4291, section 2.5.5.2).
 */

export type AddressWords = Uint32Array;

const DOT = 46;
const COLON = 58;
const ZERO = 48;
export const MAPPED = 0xffff;

/** An IPv4 address as a number, or -1 where the text from `start` on is none. */
export function parseIpv4(text: string, start = 0): number {
  let value = 0;
  let part = 0;
  let digits = 0;
  let dots = 0;
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === DOT) {
      if (digits === 0 || ++dots > 3) return -1;
      value = value * 256 + part;
      part = digits = 0;
      continue;
    }
    const digit = code - ZERO;
    if (digit < 0 || digit > 9 || (digits > 0 && part === 0)) return -1;
    part = part * 10 + digit;
    digits++;
    if (part > 255) return -1;
  }
  return dots === 3 && digits > 0 ? value * 256 + part : -1;
}

/** A hexadecimal digit's value, or -1. */
function hexDigit(code: number): number {
  if (code >= ZERO && code <= 57) return code - ZERO;
  const letter = code | 0x20;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

const groups = new Uint16Array(8);

/** Moves the groups behind '::' to the end; returns whether there are eight. */
function spreadGroups(count: number, gap: number): boolean {
  if (gap < 0) return count === 8;
  if (count > 7) return false;
  const behind = count - gap;
  groups.copyWithin(8 - behind, gap, count);
  groups.fill(0, gap, 8 - behind);
  return true;
}

/** Reads an IPv6 address (RFC 4291, section 2.2) without a zone into `groups`; returns whether the text is one. */
function parseGroups(text: string): boolean {
  let count = 0;
  let gap = -1;
  let at = 0;
  if (text.startsWith('::')) {
    gap = 0;
    at = 2;
  }
  while (at < text.length) {
    if (count === 8) return false;
    const start = at;
    let value = 0;
    for (; at < text.length && at - start < 5; at++) {
      const digit = hexDigit(text.charCodeAt(at));
      if (digit < 0) break;
      value = value * 16 + digit;
    }
    if (text.charCodeAt(at) === DOT) {
      const ipv4 = count > 6 ? -1 : parseIpv4(text, start);
      if (ipv4 < 0) return false;
      groups[count++] = ipv4 >>> 16;
      groups[count++] = ipv4 & 0xffff;
      break;
    }
    if (at === start || at - start > 4) return false;
    groups[count++] = value;
    if (at === text.length) break;
    if (text.charCodeAt(at++) !== COLON || at === text.length) return false;
    if (text.charCodeAt(at) !== COLON) continue;
    if (gap >= 0) return false;
    gap = count;
    at++;
  }
  return spreadGroups(count, gap);
}

/** Reads an IPv4 or IPv6 address, without a zone, into `words`; returns whether the text is one. Allocates nothing. */
export function parseAddress(text: string, words: AddressWords): boolean {
  const ipv4 = parseIpv4(text);
  if (ipv4 >= 0) {
    words[0] = words[1] = 0;
    words[2] = MAPPED;
    words[3] = ipv4;
    return true;
  }
  if (!parseGroups(text)) return false;
  for (let i = 0; i < 4; i++) words[i] = groups[2 * i]! * 65536 + groups[2 * i + 1]!;
  return true;
}

export const isIpv4 = (words: AddressWords): boolean =>
  words[0] === 0 && words[1] === 0 && words[2] === MAPPED;

export const isZero = (words: AddressWords): boolean => (words[0]! | words[1]! | words[2]! | words[3]!) === 0;

export const formatIpv4 = (value: number): string =>
  `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;

/** The longest run of zero groups, of two at least; the first where there are several (RFC 5952, section 4.2). */
function longestGap(parts: readonly number[]): { start: number; length: number } {
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && parts[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}

/** The reverse of `parseAddress`, in the form of RFC 5952. */
export function formatAddress(words: AddressWords): string {
  if (isIpv4(words)) return formatIpv4(words[3]!);
  const parts = Array.from({ length: 8 }, (_, i) => (words[i >> 1]! >>> (i & 1 ? 0 : 16)) & 0xffff);
  const text = (from: number, to: number): string =>
    parts
      .slice(from, to)
      .map((part) => part.toString(16))
      .join(':');
  const gap = longestGap(parts);
  if (gap.start < 0) return text(0, 8);
  return `${text(0, gap.start)}::${text(gap.start + gap.length, 8)}`;
}
