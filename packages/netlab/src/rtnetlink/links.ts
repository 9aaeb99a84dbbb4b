import {
  attribute,
  change,
  dump,
  NLM_F_CREATE,
  NLM_F_EXCL,
  nestedAttribute,
  readAttributes,
  textAttribute,
  u32Attribute,
} from '@nicshare/driver/netlink';
import { formatMac, parseMac } from '@nicshare/shm';
import * as shm from '@nicshare/shm/sys';
import { libc } from '../sys.js';

// linux/rtnetlink.h
const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
// linux/if_link.h, linux/veth.h
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_LINKINFO = 18;
const IFLA_NET_NS_PID = 19;
const IFLA_NUM_TX_QUEUES = 31;
const IFLA_NUM_RX_QUEUES = 32;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const VETH_INFO_PEER = 1;
// linux/if.h
const IFF_UP = 0x1;
const IFF_RUNNING = 0x40;

const IFINFOMSG = 16;

/** struct ifinfomsg (rtnetlink(7)). */
function ifinfomsg(index: number, flags = 0, mask = 0): Buffer {
  const bytes = Buffer.alloc(IFINFOMSG);
  bytes.writeInt32LE(index, 4);
  bytes.writeUInt32LE(flags, 8);
  bytes.writeUInt32LE(mask, 12);
  return bytes;
}

/** One end of a veth pair that is to be made. */
export interface VethEnd {
  readonly name: string;
  /** '02:00:00:00:00:01'; one that the kernel chooses where it is left out. */
  readonly mac?: string;
  /** RX queues, and as many TX queues; 1 where it is left out. */
  readonly queues?: number;
  readonly mtu?: number;
  /** A process in whose namespace the end shall be; the caller's where it is left out. */
  readonly namespacePid?: number;
}

function endAttributes(end: VethEnd): Buffer[] {
  const queues = end.queues ?? 1;
  const attributes = [
    textAttribute(IFLA_IFNAME, end.name),
    u32Attribute(IFLA_NUM_TX_QUEUES, queues),
    u32Attribute(IFLA_NUM_RX_QUEUES, queues),
  ];
  if (end.mac !== undefined) attributes.push(attribute(IFLA_ADDRESS, parseMac(end.mac)));
  if (end.mtu !== undefined) attributes.push(u32Attribute(IFLA_MTU, end.mtu));
  if (end.namespacePid !== undefined) attributes.push(u32Attribute(IFLA_NET_NS_PID, end.namespacePid));
  return attributes;
}

/** Makes a veth pair (veth(4)); both ends are down. Throws SystemError, EEXIST where a name is taken. */
export function createVeth(one: VethEnd, other: VethEnd): void {
  change(`create the veth pair ${one.name}, ${other.name}`, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, [
    ifinfomsg(0),
    ...endAttributes(one),
    nestedAttribute(IFLA_LINKINFO, [
      textAttribute(IFLA_INFO_KIND, 'veth'),
      nestedAttribute(IFLA_INFO_DATA, [
        nestedAttribute(VETH_INFO_PEER, [ifinfomsg(0), ...endAttributes(other)]),
      ]),
    ]),
  ]);
}

/** The interface's number in the caller's namespace. Throws SystemError ENODEV. */
export function linkIndex(name: string): number {
  const index = libc.ifNameToIndex(name);
  if (index === 0) throw new shm.SystemError(`find the interface ${name}`, shm.errno());
  return index;
}

/** Removes an interface; of a veth pair, both. Throws SystemError. */
export function deleteLink(name: string): void {
  change(`delete the interface ${name}`, RTM_DELLINK, 0, [ifinfomsg(linkIndex(name))]);
}

/** Changes what is named of an interface. Throws SystemError. */
export function setLink(name: string, to: { up?: boolean; mac?: string; mtu?: number }): void {
  const flags = to.up === true ? IFF_UP : 0;
  const mask = to.up === undefined ? 0 : IFF_UP;
  const parts = [ifinfomsg(linkIndex(name), flags, mask)];
  if (to.mac !== undefined) parts.push(attribute(IFLA_ADDRESS, parseMac(to.mac)));
  if (to.mtu !== undefined) parts.push(u32Attribute(IFLA_MTU, to.mtu));
  change(`change the interface ${name}`, RTM_NEWLINK, 0, parts);
}

export interface Link {
  readonly index: number;
  readonly name: string;
  /** Empty where the interface has none. */
  readonly mac: string;
  readonly mtu: number;
  readonly up: boolean;
  /** Up, with a carrier. */
  readonly running: boolean;
  readonly rxQueues: number;
  readonly txQueues: number;
}

function readLink(body: Buffer): Link {
  const attributes = readAttributes(body.subarray(IFINFOMSG));
  const flags = body.readUInt32LE(8);
  const name = attributes.get(IFLA_IFNAME)!;
  return {
    index: body.readInt32LE(4),
    name: name.toString('utf8', 0, name.indexOf(0)),
    mac: formatMac(attributes.get(IFLA_ADDRESS) ?? new Uint8Array(0)),
    mtu: attributes.get(IFLA_MTU)!.readUInt32LE(0),
    up: (flags & IFF_UP) !== 0,
    running: (flags & IFF_RUNNING) !== 0,
    rxQueues: attributes.get(IFLA_NUM_RX_QUEUES)!.readUInt32LE(0),
    txQueues: attributes.get(IFLA_NUM_TX_QUEUES)!.readUInt32LE(0),
  };
}

/** All interfaces of the caller's namespace. Throws SystemError. */
export const listLinks = (): Link[] => dump('list the interfaces', RTM_GETLINK, ifinfomsg(0)).map(readLink);
