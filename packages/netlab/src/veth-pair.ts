import { setTimeout as delay } from 'node:timers/promises';
import { withoutPrefix } from '@nicshare/driver/netlink';
import { NicshareError } from '@nicshare/shm';
import type { Namespace } from './namespace.js';
import type { VethEnd } from './veth.js';

/** One end of a pair: where it is and what it is given. */
export interface VethPairEnd {
  readonly namespace: Namespace;
  readonly name: string;
  /** '02:00:00:00:00:01' */
  readonly mac: string;
  /** With prefix lengths: '10.0.0.1/24'. */
  readonly addresses?: readonly string[];
  /** RX queues, and as many TX queues; 1 where it is left out. */
  readonly queues?: number;
}

export interface VethPairOptions {
  /** Each end knows the other's MAC address, so that there is no ARP. Default true. */
  readonly neighbours?: boolean;
  /** The kernel leaves UDP and TCP checksums to an interface that is none. Default false: it computes them. */
  readonly checksumOffload?: boolean;
  readonly mtu?: number;
}

const vethEnd = ({ name, mac, queues }: VethPairEnd, mtu: number | undefined): VethEnd => ({
  name,
  mac,
  ...(queues === undefined ? {} : { queues }),
  ...(mtu === undefined ? {} : { mtu }),
});

/**
 * Joins two namespaces by a veth pair, both ends up and running. It goes when either namespace does.
 * Throws SystemError, EEXIST where a name is taken.
 */
export async function createVethPair(
  one: VethPairEnd,
  other: VethPairEnd,
  options: VethPairOptions = {},
): Promise<void> {
  const peer = { ...vethEnd(other, options.mtu), namespacePid: other.namespace.pid };
  await one.namespace.run('createVeth', vethEnd(one, options.mtu), peer);
  await setUp(one, other, options);
  await setUp(other, one, options);
  await running(one);
  await running(other);
}

async function setUp(end: VethPairEnd, peer: VethPairEnd, options: VethPairOptions): Promise<void> {
  const { namespace, name } = end;
  if (options.checksumOffload !== true) await namespace.run('setOffloads', name, { txChecksum: false });
  await namespace.run('setLink', name, { up: true });
  for (const address of end.addresses ?? []) await namespace.run('addAddress', name, address);
  if (options.neighbours === false) return;
  for (const address of peer.addresses ?? [])
    await namespace.run('addNeighbour', name, withoutPrefix(address), peer.mac);
}

/** The kernel drops what is sent before it has noticed the carrier, shortly after both ends are up. */
async function running({ namespace, name }: VethPairEnd): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    const links = await namespace.run('listLinks');
    if (links.some((link) => link.name === name && link.running)) return;
    await delay(10);
  }
  throw new NicshareError('DeviceFailed', `The interface ${name} has no carrier after 5 s.`, '');
}
