import { ADDRESS_DEPRECATED, ADDRESS_TEMPORARY } from '../stack-layout.js';
import type { AddressWords } from './addresses.js';

/*
 * Which of an interface's IPv6 addresses a packet is sent from: the rules of RFC 6724, section 5, that ask for nothing
 * but the addresses. (Rules 4 and 5.5 are about mobile IP and about several routers; rule 5 is kept, for the addresses
 * are those of the outgoing interface.)
 */

const LINK_LOCAL = 2;
const GLOBAL = 14;

/** RFC 4291, sections 2.4 and 2.7: of a multicast address as it says, else by its prefix. */
function scopeOf(words: AddressWords): number {
  const high = words[0]! >>> 16;
  if (high >>> 8 === 0xff) return high & 15;
  if ((high & 0xffc0) === 0xfe80) return LINK_LOCAL;
  if ((words[0]! | words[1]! | words[2]!) === 0 && words[3] === 1) return LINK_LOCAL;
  return (high & 0xffc0) === 0xfec0 ? 5 : GLOBAL;
}

/** The labels of RFC 6724, section 2.1, and Linux' own for Teredo and ORCHID, as `ip addrlabel` lists them. */
function labelOf(words: AddressWords): number {
  const first = words[0]!;
  if ((first | words[1]! | words[2]!) === 0) return words[3] === 1 ? 0 : 3;
  if ((first & 0xfe000000) >>> 0 === 0xfc000000) return 5;
  if (first >>> 16 === 0x2002) return 2;
  if (first === 0x20010000) return 6;
  if ((first & 0xfffffff0) >>> 0 === 0x20010010) return 7;
  return (first & 0xffc00000) >>> 0 === 0xfec00000 ? 11 : 1;
}

/** Bits that two addresses have in common from the left, at most `limit` (the source's prefix length). */
function commonBits(a: AddressWords, b: AddressWords, limit: number): number {
  for (let i = 0; i < 4; i++) {
    const difference = (a[i]! ^ b[i]!) >>> 0;
    if (difference !== 0) return Math.min(i * 32 + Math.clz32(difference), limit);
  }
  return limit;
}

/** How good a source is for a destination, rule by rule: the first number that differs decides, the higher is better. */
export interface Fitness {
  readonly same: number;
  readonly scope: number;
  readonly preferred: number;
  readonly label: number;
  readonly permanent: number;
  readonly common: number;
}

/** A scope that is large enough beats one that is not; of two such the smaller is better, else the larger. */
function scopeFitness(source: number, destination: number): number {
  return source >= destination ? 32 - source : source - 16;
}

export function fitness(
  source: AddressWords,
  prefix: number,
  flags: number,
  destination: AddressWords,
): Fitness {
  const same = commonBits(source, destination, 128);
  return {
    same: same === 128 ? 1 : 0,
    scope: scopeFitness(scopeOf(source), scopeOf(destination)),
    preferred: flags & ADDRESS_DEPRECATED ? 0 : 1,
    label: labelOf(source) === labelOf(destination) ? 1 : 0,
    // As the kernel by default (use_tempaddr is not 2): public addresses before temporary ones.
    permanent: flags & ADDRESS_TEMPORARY ? 0 : 1,
    common: Math.min(same, prefix),
  };
}

const RULES = ['same', 'scope', 'preferred', 'label', 'permanent', 'common'] as const;

/** Whether `a` is to be taken before `b`; of equals the earlier one stays. */
export function fitter(a: Fitness, b: Fitness | undefined): boolean {
  if (!b) return true;
  for (const rule of RULES) if (a[rule] !== b[rule]) return a[rule] > b[rule];
  return false;
}
