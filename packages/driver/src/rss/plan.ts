import type { RuleSet } from '../rules.js';
import { VERIFICATION_KEY } from './toeplitz.js';

export const TABLE_ENTRIES = 128;
const KEY_BYTES = 40;

/**
 * The one bit, counted from the most significant, of a key that leaves of the hash over IPv4 addresses and ports the
 * last bits of the destination port alone: data bit p shows in hash bit 31 - (k - p) where only key bit k is set
 * (Toeplitz is linear), and the port ends at data bit 95. The hash's low 7 bits are thus the port's, in reverse order.
 */
const PORT_KEY_BIT = 120;
const PORT_BITS = 7;

/** How a card that hashes packets chooses their rings. */
export interface RssPlan {
  readonly key: Uint8Array;
  /** For each value of the hash's low 7 bits the ring. */
  readonly table: Uint8Array;
  /** What it promises, for people; empty where it only spreads. */
  readonly promise: string;
}

const evenTable = (rings: number): Uint8Array =>
  Uint8Array.from({ length: TABLE_ENTRIES }, (_, entry) => entry % rings);

/** Spreads flows over all rings. */
export const spreadEvenly = (rings: number): RssPlan => ({
  key: VERIFICATION_KEY,
  table: evenTable(rings),
  promise: '',
});

/**
 * Where the rules name several destination ports, each gets one ring, in turn, exactly: packets of IPv4 that a card
 * hashes with their ports come by the ring of their port. Ports that share their low 7 bits share the ring. One port
 * alone is better spread.
 */
export function planRss({ matches }: RuleSet, rings: number): RssPlan {
  const ports = matches.flatMap(({ destinationPort }) => destinationPort ?? []);
  const classes = [...new Set(ports.map(tableEntryOf))];
  if (classes.length < 2 || rings < 2) return spreadEvenly(rings);
  const table = evenTable(rings);
  classes.forEach((entry, index) => {
    table[entry] = index % rings;
  });
  const promise = `${new Set(ports).size} destination ports of IPv4 come each by one of ${Math.min(rings, classes.length)} rings`;
  return { key: oneBitKey(PORT_KEY_BIT), table, promise };
}

/** The entry of the table that a port has by that key. */
function tableEntryOf(port: number): number {
  let entry = 0;
  for (let bit = 0; bit < PORT_BITS; bit++) entry |= ((port >>> bit) & 1) << (PORT_BITS - 1 - bit);
  return entry;
}

function oneBitKey(bit: number): Uint8Array {
  const key = new Uint8Array(KEY_BYTES);
  key[bit >>> 3] = 0x80 >>> (bit & 7);
  return key;
}
