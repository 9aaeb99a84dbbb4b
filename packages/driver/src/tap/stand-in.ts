/*
 * A TAP that stands in for an interface: it gets the interface's addresses and routes, put before the interface's own,
 * which stay as they are. Where the TAP goes, however that happens, the kernel falls back on them; connections live on.
 */
import * as sys from '@nicshare/shm/sys';
import {
  attribute,
  change,
  dump,
  formatIp,
  linkIndex,
  NLM_F_CREATE,
  NLM_F_EXCL,
  type ObservedAddress,
  type ObservedRoute,
  RT_TABLE_LOCAL,
  RTM_GETADDR,
  RTM_GETROUTE,
  RTN_UNICAST,
  readAddress,
  readAttributes,
  readRoute,
  u32Attribute,
} from '../netlink/index.js';
import { AF_INET6 } from '../sys.js';
import { addressRefused } from './errors.js';

// linux/if_addr.h
const RTM_NEWADDR = 20;
const IFADDRMSG = 8;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_BROADCAST = 4;
const IFA_FLAGS = 8;
const IFA_F_NODAD = 0x02;
const IFA_F_NOPREFIXROUTE = 0x200;

// linux/rtnetlink.h
const RTM_NEWROUTE = 24;
const RTMSG = 12;
const RT_SCOPE_LINK = 253;
const RTNH_F_ONLINK = 4;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_PREFSRC = 7;
const RTA_METRICS = 8;
const RTA_TABLE = 15;
const RTA_VIA = 18;
const ROUTE_ATTRIBUTES = [RTA_DST, RTA_GATEWAY, RTA_PREFSRC, RTA_METRICS, RTA_TABLE, RTA_VIA];

/** A message about an object of the kernel, and what it says. */
interface Seen<Observed> {
  readonly body: Buffer;
  readonly observed: Observed;
}

/**
 * Both interfaces are up. Returns lines for the operator, where something could not be taken over. Throws
 * NicshareError, and SystemError.
 */
export function standIn(tapName: string, interfaceName: string): string[] {
  const [own, tap] = [linkIndex(interfaceName), linkIndex(tapName)];
  for (const address of addressesOf(own)) copyAddress(address, tap, tapName);
  return routesOf(own).flatMap((route) => copyRoute(route, tap, interfaceName));
}

/** Without the link-local ones, which the kernel gives to every interface. */
function addressesOf(index: number): Seen<ObservedAddress>[] {
  return dump('list the addresses', RTM_GETADDR, Buffer.alloc(IFADDRMSG)).flatMap((body) => {
    const observed = readAddress(body);
    if (observed?.interfaceIndex !== index) return [];
    return observed.family === AF_INET6 && observed.scope === RT_SCOPE_LINK ? [] : [{ body, observed }];
  });
}

/** The routes to its network come with the other routes. */
function copyAddress({ body, observed }: Seen<ObservedAddress>, tap: number, tapName: string): void {
  const ifaddrmsg = Buffer.from(body.subarray(0, IFADDRMSG));
  ifaddrmsg[2] = 0;
  ifaddrmsg.writeUInt32LE(tap, 4);
  const flags = IFA_F_NOPREFIXROUTE | (observed.family === AF_INET6 ? IFA_F_NODAD : 0);
  const kept = copied(body.subarray(IFADDRMSG), [IFA_LOCAL, IFA_ADDRESS, IFA_BROADCAST]);
  const text = `${formatIp(observed.address)}/${observed.prefixLength}`;
  try {
    change(`add the address ${text} to ${tapName}`, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, [
      ifaddrmsg,
      ...kept,
      u32Attribute(IFA_FLAGS, flags),
    ]);
  } catch (error) {
    throw error instanceof sys.SystemError ? addressRefused(tapName, text, error) : error;
  }
}

function copied(attributes: Buffer, types: readonly number[]): Buffer[] {
  const given = readAttributes(attributes);
  return types.flatMap((type) => {
    const value = given.get(type);
    return value === undefined ? [] : [attribute(type, value)];
  });
}

/** Those that use it, networks before what lies behind their gateways, which the kernel wants to know first. */
function routesOf(index: number): Seen<ObservedRoute>[] {
  const routes = dump('list the routes', RTM_GETROUTE, Buffer.alloc(RTMSG))
    .map((body) => ({ body, observed: readRoute(body) }))
    .filter(({ observed }) => usesInterface(observed, index));
  const behind = ({ observed }: Seen<ObservedRoute>): number => (observed.hops[0]!.gateway ? 1 : 0);
  return routes.sort((a, b) => behind(a) - behind(b));
}

const usesInterface = (
  { hops, table, type, cloned, family, destination }: ObservedRoute,
  index: number,
): boolean =>
  hops.some((hop) => hop.interfaceIndex === index) &&
  table !== RT_TABLE_LOCAL &&
  type === RTN_UNICAST &&
  !cloned &&
  !(family === AF_INET6 && isLinkLocal(destination));

/** fe80::/10 (RFC 4291, section 2.4): the kernel routes it on every interface. */
const isLinkLocal = (address: Buffer): boolean => address[0] === 0xfe && (address[1]! & 0xc0) === 0x80;

function copyRoute({ body, observed }: Seen<ObservedRoute>, tap: number, interfaceName: string): string[] {
  const destination = observed.destination.length === 0 ? 'default' : formatIp(observed.destination);
  const what = `${destination}/${observed.prefixLength}`;
  if (observed.hops.length > 1)
    return [`The route to ${what} has several ways: the one by ${interfaceName} is left as it is.`];
  const rtmsg = Buffer.from(body.subarray(0, RTMSG));
  rtmsg.writeUInt32LE(rtmsg.readUInt32LE(8) & RTNH_F_ONLINK, 8);
  const parts = [rtmsg, ...copied(body.subarray(RTMSG), ROUTE_ATTRIBUTES), u32Attribute(RTA_OIF, tap)];
  const metric = metricBefore(observed);
  if (metric > 0) parts.push(u32Attribute(RTA_PRIORITY, metric));
  try {
    change(`add the route to ${what}`, RTM_NEWROUTE, NLM_F_CREATE, parts);
    return [];
  } catch (error) {
    if (!(error instanceof sys.SystemError)) throw error;
    return [`The route to ${what} by ${interfaceName} could not be taken over (${error.message}).`];
  }
}

/** An IPv4 route comes before those of its metric that are there already; an IPv6 one has to have a lower metric. */
const metricBefore = ({ family, metric }: ObservedRoute): number =>
  family === AF_INET6 ? Math.max(1, metric - 1) : metric;
