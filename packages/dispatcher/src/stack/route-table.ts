import * as netlink from '@nicshare/driver/netlink';
import { stackLayout as S } from '@nicshare/shm';
import { type Decision, decide, type KernelTables, usableHop, type Verdict } from './decisions.js';
import type { SnapshotImage } from './image.js';
import { numberToWords, SPACE, toNumber } from './ip.js';
import { cut, overlay, type Prefix, type Range } from './ranges.js';

/** The tables that the kernel looks through by its standard rules, in their order (ip-rule(8)). */
const TABLES = [netlink.RT_TABLE_LOCAL, netlink.RT_TABLE_MAIN, netlink.RT_TABLE_DEFAULT];

const FAMILIES = [
  {
    family: netlink.AF_INET,
    space: SPACE.ipv4,
    bits: 32,
    count: S.COUNT_RANGES4,
    start: S.RANGES4_START,
    route: S.RANGES4_ROUTE,
  },
  {
    family: netlink.AF_INET6,
    space: SPACE.ipv6,
    bits: 128,
    count: S.COUNT_RANGES6,
    start: S.RANGES6_START,
    route: S.RANGES6_ROUTE,
  },
] as const;

type Family = (typeof FAMILIES)[number];

/** Routes for some source addresses or kinds of service alone are not looked at. */
const isMirrored = (route: netlink.ObservedRoute, { family }: Family): boolean =>
  route.family === family &&
  !route.cloned &&
  route.tos === 0 &&
  route.sourcePrefixLength === 0 &&
  TABLES.includes(route.table);

const text = (bytes: Buffer | undefined): string => bytes?.toString('latin1') ?? '';

/** Decides each kind of route once: of thousands of routes most have a few gateways in common. */
class Decisions {
  readonly #tables: KernelTables;
  readonly #index: number;
  readonly #verdicts = new Map<string, Verdict>();
  /** The number of each decision in the snapshot. */
  readonly numbers = new Map<Decision, number>();

  constructor(tables: KernelTables, index: number) {
    this.#tables = tables;
    this.#index = index;
  }

  of(route: netlink.ObservedRoute): Verdict {
    const hop = usableHop(route, this.#index);
    const { family, type, scope, mtu, preferredSource } = route;
    const way = `${hop?.interfaceIndex} ${text(hop?.gateway)}`;
    const key = `${family} ${type} ${scope} ${mtu} ${way} ${text(preferredSource)}`;
    if (this.#verdicts.has(key)) return this.#verdicts.get(key);
    const verdict = decide(route, hop, this.#index, this.#tables);
    this.#verdicts.set(key, verdict);
    if (typeof verdict === 'object' && !this.numbers.has(verdict))
      this.numbers.set(verdict, this.numbers.size + 1);
    return verdict;
  }
}

function rangesOfTable(
  routes: readonly netlink.ObservedRoute[],
  family: Family,
  decisions: Decisions,
): Range<Decision>[] {
  const prefixes: Prefix<Decision | 'throw'>[] = [];
  for (const route of [...routes].sort((a, b) => a.metric - b.metric)) {
    const value = decisions.of(route);
    if (value === undefined) continue;
    const first = toNumber(route.destination, family.bits === 32);
    prefixes.push({ first, last: first | ((1n << BigInt(family.bits - route.prefixLength)) - 1n), value });
  }
  return cut(prefixes, family.space).map(({ start, value }) => ({
    start,
    value: value === 'throw' ? undefined : value,
  }));
}

/** What of the routes came into the snapshot. */
export interface RoutesWritten {
  readonly routes: number;
  /** Beyond the snapshot's limits. */
  readonly leftOut: number;
}

/** Writes the routing tables, as seen from the interface `index`, to the snapshot. */
export function writeRoutes(image: SnapshotImage, tables: KernelTables, index: number): RoutesWritten {
  const decisions = new Decisions(tables, index);
  const written = { routes: 0, leftOut: 0 };
  for (const family of FAMILIES) {
    const mirrored = TABLES.flatMap((table) =>
      tables.routes.filter((route) => route.table === table && isMirrored(route, family)),
    );
    const taken = mirrored.slice(0, S.MAX_ROUTES);
    written.routes += taken.length;
    written.leftOut += mirrored.length - taken.length;
    const ranges = overlay(
      TABLES.map((table) =>
        rangesOfTable(
          taken.filter((route) => route.table === table),
          family,
          decisions,
        ),
      ),
    );
    writeRanges(image, ranges, family, decisions.numbers);
  }
  for (const [decision, number] of decisions.numbers) writeDecision(image, decision, number);
  image.set(S.COUNT_ROUTES, decisions.numbers.size);
  return written;
}

function writeRanges(
  image: SnapshotImage,
  ranges: readonly Range<Decision>[],
  { bits, count, start, route }: Family,
  numbers: ReadonlyMap<Decision, number>,
): void {
  const words = new Uint32Array(4);
  for (const [i, range] of ranges.entries()) {
    numberToWords(range.start, words);
    if (bits === 32) image.set(start + 4 * i, words[3]!);
    else image.setWords(start + 16 * i, words);
    image.set(route + 4 * i, range.value ? numbers.get(range.value)! : 0);
  }
  image.set(count, ranges.length);
}

function writeDecision(image: SnapshotImage, decision: Decision, number: number): void {
  const words = new Uint32Array(4);
  const at = S.ROUTES + number * S.ROUTE_BYTES;
  image.set(at + S.ROUTE_KIND, decision.kind);
  image.set(at + S.ROUTE_MTU, decision.mtu);
  image.setWords(at + S.ROUTE_GATEWAY, numberToWords(decision.gateway, words));
  image.setWords(at + S.ROUTE_SOURCE, numberToWords(decision.source, words));
  image.setWords(at + S.ROUTE_INTERFACE, nameWords(decision.interfaceName));
}

/** A name as the snapshot holds it, its zero included. */
export function nameWords(name: string): Uint32Array {
  const bytes = Buffer.alloc(S.NAME_BYTES);
  bytes.write(name, 0, S.NAME_BYTES - 1);
  return new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + S.NAME_BYTES));
}
