import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect } from '@nicshare/client';
import type { DispatcherStats } from '@nicshare/dispatcher';
import { createNamespace, createVethPair, type Namespace, spawnInside } from '@nicshare/netlab';
import type { TrafficTally } from './flow.js';
import { firstFailure, PART_OPTIONS, Part, watched } from './part.js';
import { CARD, configuration, PEER } from './scenario.js';
import type { Stage, StageOptions } from './stage.js';

const NICSHARE = fileURLToPath(new URL('../bin/nicshare.js', import.meta.resolve('@nicshare/dispatcher')));
const KERNEL_TRAFFIC = fileURLToPath(new URL('./kernel-traffic.js', import.meta.url));

/** A veth pair between two namespaces: the dispatcher's command in one, sockets of the kernel in the other. Needs root. */
export async function openVethStage({ directory, cleanup, say }: StageOptions): Promise<Stage> {
  const near = await createNamespace();
  cleanup.defer(() => near.close());
  const far = await createNamespace();
  cleanup.defer(() => far.close());
  await createVethPair(
    { namespace: near, name: CARD.name, mac: CARD.mac, addresses: [`${CARD.ip}/24`] },
    { namespace: far, name: PEER.name, mac: PEER.mac, addresses: [`${PEER.ip}/24`] },
  );

  const options = configuration(directory, { driver: 'af_xdp', interface: CARD.name });
  const file = join(directory, 'dispatcher.yaml');
  writeFileSync(file, JSON.stringify(options, null, 2));
  const dispatcher = await startDispatcher(near, file, { cleanup, say });

  const traffic = new Part(
    'traffic process',
    spawnInside(far, process.execPath, watched(KERNEL_TRAFFIC), PART_OPTIONS),
  );
  cleanup.defer(() => traffic.stop());

  const { path: socket } = options.socket;
  const connection = await connect({ socket });
  cleanup.defer(() => connection.close());
  return {
    socket,
    verb: 'sent',
    stats: async () => (await connection.stats()) as DispatcherStats,
    startTraffic: () => traffic.ask('start'),
    stopTraffic: () => traffic.ask<TrafficTally>('stop'),
    failed: firstFailure([dispatcher, traffic]),
  };
}

/** `nicshare dispatcher --config FILE` inside a namespace; resolves when clients can connect. */
function startDispatcher(
  namespace: Namespace,
  file: string,
  { cleanup, say }: Pick<StageOptions, 'cleanup' | 'say'>,
): Promise<Part> {
  const args = watched(NICSHARE, 'dispatcher', '--config', file);
  const child = spawnInside(namespace, process.execPath, args, PART_OPTIONS);
  return new Promise((resolve, reject) => {
    const dispatcher = new Part('dispatcher', child, (line) => {
      if (/^(device|rules|note|ready):/.test(line)) say(line);
      if (line.startsWith('ready:')) resolve(dispatcher);
    });
    cleanup.defer(() => dispatcher.stop());
    dispatcher.failed.catch(reject);
  });
}
