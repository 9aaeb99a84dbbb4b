import { NEIGHBOUR_SLOTS } from '../stack-layout.js';
import type { AddressWords } from './addresses.js';

const SHIFT = 32 - Math.log2(NEIGHBOUR_SLOTS);

/** The slot of the neighbour table where the probe for an address begins: multiplicative hashing, word by word. */
export function neighbourSlot(words: AddressWords): number {
  let hash = Math.imul(words[0]! ^ 0x2545f491, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 15) ^ words[1]!, 0x85ebca77);
  hash = Math.imul(hash ^ (hash >>> 13) ^ words[2]!, 0xc2b2ae3d);
  hash = Math.imul(hash ^ (hash >>> 16) ^ words[3]!, 0x9e3779b1);
  return hash >>> SHIFT;
}
