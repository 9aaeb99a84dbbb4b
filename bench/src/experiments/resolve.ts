import type { DispatcherOptions } from '@nicshare/dispatcher';
import { createNamespace, createVethPair } from '@nicshare/netlab';
import type { Experiment, Sample } from '../experiment.js';
import type { ResolvingSettings } from '../ours/resolving-client.js';
import { runPeer, startOwn } from '../processes.js';
import { commonOptions, type Setup, socketDirectory } from '../setup.js';

const INTERFACE = 'nic0';
const OTHER_MAC = '02:00:00:00:00:01';
const NEIGHBOURS = 1000;
const LOOKUPS = 2_000_000;
const PEER_LOOKUPS = 100_000;

/** 10.91.1.0 and those behind it, as peers/route.c has them. */
const address = (i: number): string => `10.91.${1 + (i >> 8)}.${i & 255}`;

/** The next hop of an address whose neighbour is known: from the snapshot, and by asking the kernel. */
export async function resolve(setup: Setup): Promise<Experiment> {
  const { socket, remove } = socketDirectory();
  const [namespace, other] = [await createNamespace(), await createNamespace()];
  await createVethPair(
    { namespace: other, name: 'far0', mac: OTHER_MAC },
    { namespace, name: INTERFACE, mac: '02:00:00:00:00:02', addresses: ['10.91.0.1/16'] },
  );
  const addresses = Array.from({ length: NEIGHBOURS }, (_, i) => address(i));
  for (const one of addresses) await namespace.run('addNeighbour', INTERFACE, one, OTHER_MAC);
  await namespace.run('addRoute', INTERFACE, '10.92.0.0/16', address(0));
  const dispatcherOptions: DispatcherOptions = {
    ...commonOptions(socket, setup.pages),
    device: { driver: 'af_xdp', interface: INTERFACE, rings: 1 },
  };
  const settings: ResolvingSettings = { socket, addresses, lookups: LOOKUPS };

  async function ours(): Promise<Sample> {
    const dispatcher = await startOwn('dispatcher', dispatcherOptions, { core: 0, namespace });
    const client = await startOwn('resolving-client', settings, { core: 1 });
    const { known, first } = await client.lastMessage();
    await dispatcher.stop();
    return { known: known!, first: first! };
  }

  async function peer(): Promise<Sample> {
    const { ns } = await runPeer(
      'route',
      { interface: INTERFACE, neighbours: NEIGHBOURS, lookups: PEER_LOOKUPS },
      namespace,
    );
    return { known: ns!, first: ns! };
  }

  return {
    name: 'resolve',
    metrics: [
      { name: 'known', unit: 'ns' },
      { name: 'first', unit: 'ns' },
    ],
    peerName: 'C by rtnetlink',
    ours,
    peer,
    close: async () => {
      remove();
      await Promise.all([namespace.close(), other.close()]);
    },
  };
}
