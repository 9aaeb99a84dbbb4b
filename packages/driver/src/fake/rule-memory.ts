import type { FlowMatch, RuleSet } from '../rules.js';
import { MAX_RULES, RULE_WORDS, RULES_HEADER_WORDS } from './layout.js';

/*
 * The rules of a fake device, written by its thread and read by the wire's. Words from the start of the table on:
 *
 *   0   generation: 0 before any rules are set, odd while they are written, raised when they are
 *   1   how many rules there are; ALL where the device hands over every packet
 *   2   what becomes of packets that none matches: the index in UNMATCHED
 *   4   a record a rule: which fields it names, EtherType, protocol, port, the MAC address in two words
 */
const GENERATION = 0;
const COUNT = 1;
const UNMATCHED_AT = 2;
const UNMATCHED = ['drop', 'pass', 'take'] as const;
const ALL = 0xffffffff;

const FIELD_ETHER_TYPE = 1;
const FIELD_PROTOCOL = 2;
const FIELD_PORT = 4;
const FIELD_MAC = 8;
const MAC_BYTES = 6;
const MAC_REST = 2;

/** Replaces the rules; returns whether the table can hold them. Where it cannot, every packet is handed over. */
export function writeRules(
  memory: WebAssembly.Memory,
  table: number,
  { matches, unmatched }: RuleSet,
): boolean {
  const cells = new Int32Array(memory.buffer);
  const holds = matches.length <= MAX_RULES;
  Atomics.add(cells, table + GENERATION, 1);
  cells[table + COUNT] = holds ? matches.length : ALL;
  cells[table + UNMATCHED_AT] = UNMATCHED.indexOf(unmatched);
  if (holds)
    matches.forEach((match, index) => {
      cells.set(record(match), table + RULES_HEADER_WORDS + index * RULE_WORDS);
    });
  Atomics.add(cells, table + GENERATION, 1);
  return holds;
}

function record({ etherType, protocol, destinationPort, destinationMac }: FlowMatch): number[] {
  const named = (field: number, value: unknown): number => (value === undefined ? 0 : field);
  const mac = Buffer.from(destinationMac ?? new Uint8Array(MAC_BYTES));
  return [
    named(FIELD_ETHER_TYPE, etherType) |
      named(FIELD_PROTOCOL, protocol) |
      named(FIELD_PORT, destinationPort) |
      named(FIELD_MAC, destinationMac),
    etherType ?? 0,
    protocol ?? 0,
    destinationPort ?? 0,
    mac.readUInt16BE(0),
    mac.readUInt32BE(MAC_REST),
  ];
}

/** The rules as they stand when a packet comes, read anew only where they have changed. */
export class RuleReader {
  readonly #cells: Int32Array;
  readonly #table: number;
  #seen = 0;
  #rules: RuleSet | undefined;

  constructor(memory: WebAssembly.Memory, table: number) {
    this.#cells = new Int32Array(memory.buffer);
    this.#table = table;
  }

  /** Undefined where every packet is handed over. */
  get rules(): RuleSet | undefined {
    for (let now = this.#word(GENERATION); now !== this.#seen; now = this.#word(GENERATION)) {
      if (now & 1) continue; // they are being written, which takes microseconds
      this.#rules = this.#read();
      if (this.#word(GENERATION) === now) this.#seen = now;
    }
    return this.#rules;
  }

  /** Atomic loads keep their order: what lies between two equal generations belongs together. */
  #word(index: number): number {
    return Atomics.load(this.#cells, this.#table + index) >>> 0;
  }

  #read(): RuleSet | undefined {
    const count = this.#word(COUNT);
    if (count > MAX_RULES) return undefined;
    return {
      matches: Array.from({ length: count }, (_, index) => this.#match(index)),
      unmatched: UNMATCHED[this.#word(UNMATCHED_AT)]!,
    };
  }

  #match(index: number): FlowMatch {
    const first = RULES_HEADER_WORDS + index * RULE_WORDS;
    const [fields, etherType, protocol, destinationPort, macFirst, macRest] = Array.from(
      { length: RULE_WORDS },
      (_, word) => this.#word(first + word),
    );
    const named = (field: number): boolean => (fields! & field) !== 0;
    const mac = Buffer.alloc(MAC_BYTES);
    mac.writeUInt16BE(macFirst!, 0);
    mac.writeUInt32BE(macRest!, MAC_REST);
    return {
      ...(named(FIELD_ETHER_TYPE) && { etherType: etherType! }),
      ...(named(FIELD_PROTOCOL) && { protocol: protocol! }),
      ...(named(FIELD_PORT) && { destinationPort: destinationPort! }),
      ...(named(FIELD_MAC) && { destinationMac: new Uint8Array(mac) }),
    };
  }
}
