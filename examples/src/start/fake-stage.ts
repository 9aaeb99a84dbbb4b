import { createDispatcher } from '@nicshare/dispatcher';
import { FakeWire, type FakeWireDescription } from '@nicshare/driver';
import { fakeTraffic } from './fake-traffic.js';
import { CARD, configuration, ROLES } from './scenario.js';
import type { Stage, StageOptions } from './stage.js';

/** A dispatcher in this very process, on a device in memory; whoever may do nothing may do this. */
export async function openFakeStage({ directory, cleanup, say }: StageOptions): Promise<Stage> {
  const options = configuration(directory, { driver: 'fake', mac: CARD.mac });
  const dispatcher = await createDispatcher(options, (line) => say(`note: ${line}`));
  cleanup.defer(() => dispatcher.close());
  say(`ready: ${ROLES.length} queues at ${dispatcher.socketPath}`);
  const { memory, description } = dispatcher.wire;
  const wire = new FakeWire(memory, description as FakeWireDescription);
  cleanup.defer(() => wire.close());
  const traffic = fakeTraffic(wire, CARD);
  cleanup.defer(() => traffic.stop());
  const failed = new Promise<never>((_, reject) => dispatcher.once('failed', reject));
  failed.catch(() => {});
  return {
    socket: dispatcher.socketPath,
    stats: () => dispatcher.stats(),
    startTraffic: async () => traffic.start(),
    stopTraffic: () => traffic.stop(),
    failed,
  };
}
