import * as netlink from '@nicshare/driver/netlink';
import type { KernelTables } from './decisions.js';

/** A table that changes while it is dumped is dumped again, so many times at most: what changed is notified anyway. */
const ATTEMPTS = 3;

const FAMILIES = [netlink.AF_INET, netlink.AF_INET6];

/** Requests carry the fixed structure of their kind, all zero but the family: its length in bytes. */
function request(family: number, bytes: number): Buffer {
  const body = Buffer.alloc(bytes);
  body[0] = family;
  return body;
}

const IFINFOMSG = 16;
const IFADDRMSG = 8;
const RTMSG = 12;
const NDMSG = 12;

async function dumped<T>(
  what: string,
  type: number,
  body: Buffer,
  read: (body: Buffer) => T | undefined,
): Promise<T[]> {
  for (let attempt = 1; ; attempt++) {
    const objects: T[] = [];
    const whole = await netlink.dumpTable(what, type, body, (answer) => {
      const object = read(answer);
      if (object !== undefined) objects.push(object);
    });
    if (whole || attempt === ATTEMPTS) return objects;
  }
}

/** A kernel without a family answers with all others'. */
async function ofFamilies<T extends { readonly family: number }>(
  what: string,
  type: number,
  bytes: number,
  read: (body: Buffer) => T | undefined,
): Promise<T[]> {
  const objects: T[] = [];
  for (const family of FAMILIES)
    objects.push(
      ...(await dumped(what, type, request(family, bytes), (body) => {
        const object = read(body);
        return object?.family === family ? object : undefined;
      })),
    );
  return objects;
}

/** Links, addresses and routes of the dispatcher's network namespace. Rejects with SystemError. */
export async function readTables(): Promise<KernelTables> {
  return {
    links: await dumped(
      'list the interfaces',
      netlink.RTM_GETLINK,
      request(netlink.AF_UNSPEC, IFINFOMSG),
      netlink.readLink,
    ),
    addresses: await ofFamilies('list the addresses', netlink.RTM_GETADDR, IFADDRMSG, netlink.readAddress),
    routes: await ofFamilies('list the routes', netlink.RTM_GETROUTE, RTMSG, netlink.readRoute),
  };
}

/** Neighbours of all interfaces. Rejects with SystemError. */
export const readNeighbours = (): Promise<netlink.ObservedNeighbour[]> =>
  ofFamilies('list the neighbours', netlink.RTM_GETNEIGH, NDMSG, netlink.readNeighbour);
