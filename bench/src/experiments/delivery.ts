import type { QueueMode } from '@nicshare/client';
import type { DispatcherOptions } from '@nicshare/dispatcher';
import type { Experiment, Sample } from '../experiment.js';
import type { SpinningSettings } from '../ours/spinning-client.js';
import { runPeer, startOwn } from '../processes.js';
import { commonOptions, POOL_PACKETS, QUEUES, type Setup, socketDirectory } from '../setup.js';

interface Kind {
  readonly mode?: QueueMode;
  /** We sample latencies meanwhile, as by default with metrics; the twin never does. */
  readonly sampled?: boolean;
  /** Another device, which never runs dry either and gives packets for the first queue. */
  readonly source?: Source;
}

interface Source {
  readonly name: string;
  /** `directory` is the experiment's own. */
  readonly device: (directory: string) => DispatcherOptions['device'];
}

/**
 * Packets from a null device to one client in another process, a core each, none lost. The twin has as many prepared
 * packets.
 */
export function delivery(
  setup: Setup,
  packetSize: number,
  { mode = 'isolated', sampled = false, source }: Kind = {},
): Experiment {
  const { socket, directory, remove } = socketDirectory();
  const common = commonOptions(socket, setup.pages);
  const dispatcherOptions: DispatcherOptions = {
    ...common,
    queues: common.queues.map((queue) => ({ ...queue, mode })),
    device: source?.device(directory) ?? nullDevice(packetSize),
    overflow: 'hold',
    ...(sampled && { latency: {} }),
  };
  const clientSettings: SpinningSettings = {
    socket,
    queue: QUEUES[0].name,
    warmupSeconds: setup.warmupSeconds,
    seconds: setup.seconds,
  };

  async function ours(): Promise<Sample> {
    const dispatcher = await startOwn('dispatcher', dispatcherOptions, { core: 0 });
    const client = await startOwn('spinning-client', clientSettings, { core: 1 });
    const { packets, ns } = await client.lastMessage();
    const { dropped, violations } = await dispatcher.stop();
    if (dropped! + violations! > 0) throw new Error(`A lossless run lost ${dropped} packets.`);
    return { rate: (packets! * 1e3) / ns! };
  }

  async function peer(): Promise<Sample> {
    const { pages, seconds, warmupSeconds } = setup;
    const options = { size: packetSize, seconds, warmup: warmupSeconds, queue: mode, pages };
    const { mpps } = await runPeer('twin-null', options);
    return { rate: mpps! };
  }

  return {
    name:
      source?.name ??
      `${mode === 'shared' ? 'shared' : 'delivery'}-${packetSize}${sampled ? '-sampled' : ''}`,
    metrics: [{ name: 'rate', unit: 'Mpps' }],
    peerName: 'C twin',
    ours,
    peer,
    close: async () => remove(),
  };
}

const nullDevice = (packetSize: number): DispatcherOptions['device'] => ({
  driver: 'null',
  packetSize,
  destinationPorts: [QUEUES[0].port],
  frames: POOL_PACKETS,
});
