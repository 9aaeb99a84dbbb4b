import { formatMac, parseMac } from '@nicshare/shm';
import * as shm from '@nicshare/shm/sys';
import { libc } from '../sys.js';
import { attribute, readAttributes, u32Attribute } from './message.js';
import { change, dump } from './request.js';

// linux/rtnetlink.h
export const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
// linux/if_link.h
export const IFLA_ADDRESS = 1;
export const IFLA_IFNAME = 3;
export const IFLA_MTU = 4;
export const IFLA_NUM_TX_QUEUES = 31;
export const IFLA_NUM_RX_QUEUES = 32;
// linux/if.h
const IFF_UP = 0x1;
const IFF_RUNNING = 0x40;

const IFINFOMSG = 16;

/** struct ifinfomsg (rtnetlink(7)). */
export function ifinfomsg(index: number, flags = 0, mask = 0): Buffer {
  const bytes = Buffer.alloc(IFINFOMSG);
  bytes.writeInt32LE(index, 4);
  bytes.writeUInt32LE(flags, 8);
  bytes.writeUInt32LE(mask, 12);
  return bytes;
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
