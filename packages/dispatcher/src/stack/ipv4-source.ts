import {
  AF_INET,
  IFA_F_SECONDARY,
  type ObservedAddress,
  type ObservedHop,
  type ObservedRoute,
} from '@nicshare/driver/netlink';
import { toNumber } from './ip.js';

/** rtm_scope, ifa_scope of linux/rtnetlink.h: the larger, the nearer. */
const RT_SCOPE_LINK = 253;
const UNSET = toNumber(Buffer.alloc(4), true);

const primaries = (addresses: readonly ObservedAddress[], index: number): ObservedAddress[] =>
  addresses.filter(
    (address) =>
      address.family === AF_INET &&
      address.interfaceIndex === index &&
      (address.flags & IFA_F_SECONDARY) === 0,
  );

function contains({ network, prefixLength }: ObservedAddress, address: bigint): boolean {
  const host = BigInt(32 - prefixLength);
  return toNumber(network, true) >> host === address >> host;
}

/**
 * The address that the kernel sends from through an interface where a route names none (inet_select_addr of
 * net/ipv4/devinet.c): the first of its subnet that the gateway is in, else the first of a scope as wide as the
 * route's, else one of another interface. 0.0.0.0 where there is none.
 */
export function interfaceSource(
  addresses: readonly ObservedAddress[],
  index: number,
  scope: number,
  gateway?: bigint,
): bigint {
  const own = primaries(addresses, index).filter((address) => address.scope <= scope);
  const chosen =
    own.find((address) => gateway !== undefined && contains(address, gateway)) ??
    own[0] ??
    addresses.find(
      (address) =>
        address.family === AF_INET &&
        (address.flags & IFA_F_SECONDARY) === 0 &&
        address.scope !== RT_SCOPE_LINK &&
        address.scope <= scope,
    );
  return chosen ? toNumber(chosen.address, true) : UNSET;
}

/** The source of the interface's broadcasts and multicasts. */
export const groupSource = (addresses: readonly ObservedAddress[], index: number): bigint =>
  interfaceSource(addresses, index, RT_SCOPE_LINK);

/** The source of packets of a route by one of its hops; 0 where it depends on the destination (IPv6). */
export function sourceOf(
  route: ObservedRoute,
  hop: ObservedHop,
  addresses: readonly ObservedAddress[],
): bigint {
  if (route.preferredSource) return toNumber(route.preferredSource, false);
  if (route.family !== AF_INET) return 0n;
  const gateway = hop.gateway?.length === 4 ? toNumber(hop.gateway, true) : undefined;
  return interfaceSource(addresses, hop.interfaceIndex, route.scope, gateway);
}
