import type { DispatcherOptions } from '@nicshare/dispatcher';
import type { Experiment, Sample } from '../experiment.js';
import type { TappedSettings } from '../ours/tapped-client.js';
import { startOwn } from '../processes.js';
import { commonOptions, QUEUES, type Setup, socketDirectory } from '../setup.js';

/**
 * What a tap on one of four queues costs the other three at full rate: their packets with the tap, and without it. The
 * client of all four reads the tap, too, for a reader of its own would take the client's core from it.
 */
export function tapOthers(setup: Setup, packetSize: number): Experiment {
  const { socket, remove } = socketDirectory();
  const dispatcherOptions: DispatcherOptions = {
    ...commonOptions(socket, setup.pages),
    device: { driver: 'null', packetSize, destinationPorts: QUEUES.map(({ port }) => port), frames: 65536 },
    overflow: 'hold',
  };

  async function run(tap: boolean): Promise<Sample> {
    const clientSettings: TappedSettings = {
      socket,
      queues: QUEUES.map(({ name }) => name),
      tap,
      warmupSeconds: setup.warmupSeconds,
      seconds: setup.seconds,
    };
    const dispatcher = await startOwn('dispatcher', dispatcherOptions, { core: 0 });
    const client = await startOwn('tapped-client', clientSettings, { core: 1 });
    const { others, captured, ns } = await client.lastMessage();
    const { dropped, violations } = await dispatcher.stop();
    if (dropped! + violations! > 0) throw new Error(`A lossless run lost ${dropped} packets.`);
    if (tap && captured === 0) throw new Error('The tap showed nothing.');
    return { rate: (others! * 1e3) / ns!, captured: (captured! * 1e6) / ns! };
  }

  return {
    name: `tap-others-${packetSize}`,
    metrics: [
      { name: 'rate', unit: 'Mpps' },
      { name: 'captured', unit: 'kpps' },
    ],
    peerName: 'without the tap',
    ours: () => run(true),
    peer: () => run(false),
    close: async () => remove(),
  };
}
