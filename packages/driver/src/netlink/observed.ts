import { visitAttributes } from './message.js';

/*
 * What rtnetlink says of neighbours, routes, addresses and links, in answers to dumps and in notifications alike:
 * rtnetlink(7), linux/rtnetlink.h, linux/neighbour.h, linux/if_addr.h, linux/if_link.h. IP addresses are 4 or 16 bytes.
 */

export const RTM_GETLINK = 18;
export const RTM_GETADDR = 22;
export const RTM_GETROUTE = 26;
export const RTM_NEWNEIGH = 28;
export const RTM_DELNEIGH = 29;
export const RTM_GETNEIGH = 30;

/** Bits of sockaddr_nl.nl_groups: RTMGRP_*. */
export const GROUPS = {
  link: 0x1,
  neighbour: 0x4,
  ipv4Address: 0x10,
  ipv4Route: 0x40,
  ipv6Address: 0x100,
  ipv6Route: 0x400,
} as const;

export const AF_UNSPEC = 0;
export const AF_INET = 2;
export const AF_INET6 = 10;

/** A copy: the message's own bytes are the receive buffer's. */
const copy = (body: Buffer, start: number, end: number): Buffer => Buffer.from(body.subarray(start, end));

export interface ObservedNeighbour {
  readonly family: number;
  readonly interfaceIndex: number;
  /** NUD_*. */
  readonly state: number;
  /** NTF_*. */
  readonly flags: number;
  readonly address: Buffer;
  readonly mac: Buffer | undefined;
}

export const NTF_USE = 0x01;
export const NTF_PROXY = 0x08;
export const NDA_DST = 1;
const NDA_LLADDR = 2;
const NDMSG = 12;

/** struct ndmsg. Undefined where the message names no address. */
export function readNeighbour(body: Buffer): ObservedNeighbour | undefined {
  let address: Buffer | undefined;
  let mac: Buffer | undefined;
  visitAttributes(body, NDMSG, (type, start, end) => {
    if (type === NDA_DST) address = copy(body, start, end);
    else if (type === NDA_LLADDR) mac = copy(body, start, end);
  });
  if (!address) return undefined;
  return {
    family: body[0]!,
    interfaceIndex: body.readInt32LE(4),
    state: body.readUInt16LE(8),
    flags: body[10]!,
    address,
    mac,
  };
}

export interface ObservedHop {
  /** 0 where the route names no interface. */
  readonly interfaceIndex: number;
  readonly gateway: Buffer | undefined;
  /** RTNH_F_*. */
  readonly flags: number;
}

export const RTNH_F_DEAD = 0x1;

export interface ObservedRoute {
  readonly family: number;
  readonly table: number;
  /** Empty for all addresses. */
  readonly destination: Buffer;
  readonly prefixLength: number;
  /** Not 0 where it holds for some source addresses alone. */
  readonly sourcePrefixLength: number;
  readonly tos: number;
  readonly scope: number;
  /** RTN_*. */
  readonly type: number;
  readonly metric: number;
  readonly preferredSource: Buffer | undefined;
  /** 0 where the route has none of its own. */
  readonly mtu: number;
  /** Of a multipath route several. */
  readonly hops: readonly ObservedHop[];
  /** An entry of the kernel's cache, no route. */
  readonly cloned: boolean;
}

// rtm_type.
export const RTN_UNICAST = 1;
export const RTN_LOCAL = 2;
export const RTN_BROADCAST = 3;
export const RTN_ANYCAST = 4;
export const RTN_BLACKHOLE = 6;
export const RTN_UNREACHABLE = 7;
export const RTN_PROHIBIT = 8;
export const RTN_THROW = 9;
// rtm_table.
export const RT_TABLE_DEFAULT = 253;
export const RT_TABLE_MAIN = 254;
export const RT_TABLE_LOCAL = 255;

const RTM_F_CLONED = 0x200;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_PREFSRC = 7;
const RTA_METRICS = 8;
const RTA_MULTIPATH = 9;
const RTA_TABLE = 15;
const RTA_VIA = 18;
const RTAX_MTU = 2;
const RTMSG = 12;
const RTNEXTHOP = 8;
/** struct rtvia: a family before the address. */
const VIA_FAMILY = 2;

/** struct rtnexthop, one after the other, each with attributes of its own. */
function readHops(body: Buffer, start: number, end: number): ObservedHop[] {
  const hops: ObservedHop[] = [];
  for (let at = start; at + RTNEXTHOP <= end; ) {
    const length = body.readUInt16LE(at);
    if (length < RTNEXTHOP || at + length > end) break;
    let gateway: Buffer | undefined;
    const take = (type: number, from: number, to: number): void => {
      if (type === RTA_GATEWAY) gateway = copy(body, from, to);
      else if (type === RTA_VIA) gateway = copy(body, from + VIA_FAMILY, to);
    };
    visitAttributes(body, at + RTNEXTHOP, take, at + length);
    hops.push({ interfaceIndex: body.readInt32LE(at + 4), gateway, flags: body[at + 2]! });
    at += (length + 3) & ~3;
  }
  return hops;
}

function readMtu(body: Buffer, start: number, end: number): number {
  let mtu = 0;
  const take = (type: number, from: number): void => {
    if (type === RTAX_MTU) mtu = body.readUInt32LE(from);
  };
  visitAttributes(body, start, take, end);
  return mtu;
}

/** struct rtmsg. */
export function readRoute(body: Buffer): ObservedRoute {
  const flags = body.readUInt32LE(8);
  let table = body[4]!;
  let destination: Buffer = Buffer.alloc(0);
  let metric = 0;
  let mtu = 0;
  let interfaceIndex = 0;
  let gateway: Buffer | undefined;
  let preferredSource: Buffer | undefined;
  let hops: ObservedHop[] | undefined;
  visitAttributes(body, RTMSG, (type, start, end) => {
    if (type === RTA_DST) destination = copy(body, start, end);
    else if (type === RTA_TABLE) table = body.readUInt32LE(start);
    else if (type === RTA_OIF) interfaceIndex = body.readInt32LE(start);
    else if (type === RTA_GATEWAY) gateway = copy(body, start, end);
    else if (type === RTA_VIA) gateway = copy(body, start + VIA_FAMILY, end);
    else if (type === RTA_PRIORITY) metric = body.readUInt32LE(start);
    else if (type === RTA_PREFSRC) preferredSource = copy(body, start, end);
    else if (type === RTA_METRICS) mtu = readMtu(body, start, end);
    else if (type === RTA_MULTIPATH) hops = readHops(body, start, end);
  });
  return {
    family: body[0]!,
    table,
    destination,
    prefixLength: body[1]!,
    sourcePrefixLength: body[2]!,
    tos: body[3]!,
    scope: body[6]!,
    type: body[7]!,
    metric,
    preferredSource,
    mtu,
    hops: hops ?? [{ interfaceIndex, gateway, flags: flags & 0xff }],
    cloned: (flags & RTM_F_CLONED) !== 0,
  };
}

export interface ObservedAddress {
  readonly family: number;
  readonly interfaceIndex: number;
  readonly prefixLength: number;
  /** RT_SCOPE_*. */
  readonly scope: number;
  /** IFA_F_*. */
  readonly flags: number;
  /** The interface's own. */
  readonly address: Buffer;
  /** What the prefix length belongs to: the other end's on a point-to-point link, else the same. */
  readonly network: Buffer;
}

/** Of an IPv4 address: another one of its subnet comes before it. Of an IPv6 one: it is temporary. */
export const IFA_F_SECONDARY = 0x01;
export const IFA_F_OPTIMISTIC = 0x04;
export const IFA_F_DADFAILED = 0x08;
export const IFA_F_DEPRECATED = 0x20;
export const IFA_F_TENTATIVE = 0x40;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_FLAGS = 8;
const IFADDRMSG = 8;

/** struct ifaddrmsg. Undefined where the message names no address. */
export function readAddress(body: Buffer): ObservedAddress | undefined {
  let flags = body[2]!;
  let network: Buffer | undefined;
  let local: Buffer | undefined;
  visitAttributes(body, IFADDRMSG, (type, start, end) => {
    if (type === IFA_ADDRESS) network = copy(body, start, end);
    else if (type === IFA_LOCAL) local = copy(body, start, end);
    else if (type === IFA_FLAGS) flags = body.readUInt32LE(start);
  });
  const address = local ?? network;
  if (!address) return undefined;
  return {
    family: body[0]!,
    interfaceIndex: body.readInt32LE(4),
    prefixLength: body[1]!,
    scope: body[3]!,
    flags,
    address,
    network: network ?? address,
  };
}

export interface ObservedLink {
  readonly index: number;
  readonly name: string;
  readonly mtu: number;
}

const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFINFOMSG = 16;

/** struct ifinfomsg. */
export function readLink(body: Buffer): ObservedLink {
  let name = '';
  let mtu = 0;
  visitAttributes(body, IFINFOMSG, (type, start, end) => {
    if (type === IFLA_IFNAME) name = body.toString('utf8', start, end - 1);
    else if (type === IFLA_MTU) mtu = body.readUInt32LE(start);
  });
  return { index: body.readInt32LE(4), name, mtu };
}
