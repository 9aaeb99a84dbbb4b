import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type Client, connect, isNicshareError, type Resolver } from '@nicshare/client';
import type { DispatcherStats } from '@nicshare/dispatcher';
import { createNamespace, createVethPair, type Namespace } from '@nicshare/netlab';
import test, { type ExecutionContext } from 'ava';
import { Command } from './command.js';
import { hasIproute, ip } from './iproute.js';
import { scratchFolder } from './scratch.js';
import { onVeth, vethTitle } from './veth-lab.js';

/** For tests that change the kernel's tables. */
export const onStack = hasIproute ? onVeth : test.serial.skip;
export const stackTitle = (text: string): string =>
  hasIproute ? vethTitle(text) : `${text} (skipped: needs iproute2)`;

export const CARD = 'card0';
export const CARD_MAC = '02:00:00:00:79:01';
export const FAR_MAC = '02:00:00:00:79:02';

/** A dispatcher on one end of a cable, behind which there is a host that answers ARP. No neighbour is known yet. */
export interface StackLab {
  readonly card: Namespace;
  readonly far: Namespace;
  readonly dispatcher: Command;
  readonly socket: string;
  readonly client: Client;
  readonly resolver: Resolver;
  ip(command: string): string;
  stats(): Promise<NonNullable<DispatcherStats['stack']>>;
}

/** Addresses: 10.79.0.1/24 and fd79::1/64 here, .2 and ::2 there. */
export async function createStackLab(t: ExecutionContext): Promise<StackLab> {
  const socket = `${scratchFolder(t)}/control.sock`;
  const [card, far] = [await createNamespace({ ipv6: true }), await createNamespace({ ipv6: true })];
  t.teardown(async () => {
    await card.close();
    await far.close();
  });
  const addresses = (host: number): string[] => [`10.79.0.${host}/24`, `fd79::${host}/64`];
  await createVethPair(
    { namespace: card, name: CARD, mac: CARD_MAC, addresses: addresses(1) },
    { namespace: far, name: 'far0', mac: FAR_MAC, addresses: addresses(2) },
    { neighbours: false },
  );
  const config = `${socket}.yaml`;
  writeFileSync(
    config,
    `socket: { path: ${socket}, mode: '0666' }
device: { driver: af_xdp, interface: ${CARD} }
memory: { ringSize: 64, frames: 128, deviceRingSize: 64, hugepages: never }
queues:
  - { name: udp, match: { protocol: udp, destinationPort: 7 } }
`,
  );
  const dispatcher = Command.start(t, ['dispatcher', '--config', config], card);
  await dispatcher.says('ready');
  const client = await connect({ socket });
  t.teardown(() => client.close());
  const resolver = await client.resolver();
  return {
    card,
    far,
    dispatcher,
    socket,
    client,
    resolver,
    ip: (command) => ip(card, command),
    stats: async () => ((await client.stats()) as DispatcherStats).stack!,
  };
}

/** What a lookup comes to: the next hop's fields, nothing, or the code of the error. */
export function outcome(resolver: Resolver, address: string): string {
  try {
    const hop = resolver.lookup(address);
    return hop ? `${hop.address} ${hop.mac} from ${hop.source} mtu ${hop.mtu}` : 'unknown';
  } catch (error) {
    if (isNicshareError(error)) return error.code;
    throw error;
  }
}

const BOUND_MS = 60_000;

/** Waits until lookups of an address come to something. Throws with what they come to instead. */
export async function comesTo(resolver: Resolver, address: string, wanted: string): Promise<void> {
  const deadline = Date.now() + BOUND_MS;
  for (;;) {
    const now = outcome(resolver, address);
    if (now === wanted) return;
    if (Date.now() > deadline) throw new Error(`${address} comes to '${now}', not to '${wanted}'`);
    await delay(2);
  }
}
