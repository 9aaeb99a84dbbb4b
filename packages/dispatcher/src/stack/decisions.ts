import * as netlink from '@nicshare/driver/netlink';
import { stackLayout as S } from '@nicshare/shm';
import { toNumber } from './ip.js';
import { sourceOf } from './ipv4-source.js';

/** What the kernel's tables say besides its neighbours. */
export interface KernelTables {
  readonly links: readonly netlink.ObservedLink[];
  /** In the kernel's order. */
  readonly addresses: readonly netlink.ObservedAddress[];
  readonly routes: readonly netlink.ObservedRoute[];
}

/** What is to be done with packets of a route, as the snapshot holds it. */
export interface Decision {
  /** KIND_*. */
  readonly kind: number;
  readonly mtu: number;
  /** 0 where the destination is the next hop itself. */
  readonly gateway: bigint;
  /** 0 where the source depends on the destination. */
  readonly source: bigint;
  /** Empty where it leads nowhere. */
  readonly interfaceName: string;
}

/** `throw`: the search goes on in the next table. */
export type Verdict = Decision | 'throw' | undefined;

const nowhere = (kind: number): Decision => ({ kind, mtu: 0, gateway: 0n, source: 0n, interfaceName: '' });

const KINDS: Readonly<Record<number, number>> = {
  [netlink.RTN_UNICAST]: S.KIND_DEVICE,
  [netlink.RTN_BROADCAST]: S.KIND_BROADCAST,
  [netlink.RTN_LOCAL]: S.KIND_LOCAL,
  [netlink.RTN_ANYCAST]: S.KIND_LOCAL,
};

const DECIDED: Readonly<Record<number, Decision | 'throw'>> = {
  [netlink.RTN_UNREACHABLE]: nowhere(S.KIND_UNREACHABLE),
  [netlink.RTN_PROHIBIT]: nowhere(S.KIND_PROHIBIT),
  [netlink.RTN_BLACKHOLE]: nowhere(S.KIND_BLACKHOLE),
  [netlink.RTN_THROW]: 'throw',
};

const isAlive = (hop: netlink.ObservedHop): boolean => (hop.flags & netlink.RTNH_F_DEAD) === 0;

/**
 * The first hop of the interface `index` that is alive, else the first of another one: where the kernel spreads packets
 * over several hops, those that we send can take the device's alone.
 */
export const usableHop = ({ hops }: netlink.ObservedRoute, index: number): netlink.ObservedHop | undefined =>
  hops.find((hop) => hop.interfaceIndex === index && isAlive(hop)) ?? hops.find(isAlive);

/** What a route does by one of its hops, seen from the interface `index`; undefined where it is not to be used. */
export function decide(
  route: netlink.ObservedRoute,
  hop: netlink.ObservedHop | undefined,
  index: number,
  tables: KernelTables,
): Verdict {
  const decided = DECIDED[route.type];
  if (decided) return decided;
  const kind = KINDS[route.type];
  if (kind === undefined || !hop) return undefined;
  const link = tables.links.find((candidate) => candidate.index === hop.interfaceIndex);
  const ours = hop.interfaceIndex === index;
  const linkMtu = link?.mtu ?? 0;
  return {
    kind: kind === S.KIND_LOCAL || ours ? kind : S.KIND_ELSEWHERE,
    mtu: route.mtu > 0 ? Math.min(route.mtu, linkMtu) : linkMtu,
    gateway: hop.gateway ? toNumber(hop.gateway, false) : 0n,
    source: sourceOf(route, hop, tables.addresses),
    interfaceName: link?.name ?? 'another interface',
  };
}
