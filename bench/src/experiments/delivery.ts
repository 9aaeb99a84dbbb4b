import type { DispatcherOptions } from '@nicshare/dispatcher';
import type { Experiment, Sample } from '../experiment.js';
import type { SpinningSettings } from '../ours/spinning-client.js';
import { runPeer, startOwn } from '../processes.js';
import { commonOptions, QUEUES, type Setup, socketDirectory } from '../setup.js';

/**
 * Packets from a null device to one client in another process, a core each, none lost. `sampled`: we sample latencies
 * meanwhile, as by default with metrics; the twin never does.
 */
export function delivery(setup: Setup, packetSize: number, sampled = false): Experiment {
  const { socket, remove } = socketDirectory();
  const dispatcherOptions: DispatcherOptions = {
    ...commonOptions(socket, setup.pages),
    device: { driver: 'null', packetSize, destinationPorts: [QUEUES[0].port], frames: 65536 },
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
    const { mpps } = await runPeer('twin-null', { size: packetSize, seconds, warmup: warmupSeconds, pages });
    return { rate: mpps! };
  }

  return {
    name: `delivery-${packetSize}${sampled ? '-sampled' : ''}`,
    metrics: [{ name: 'rate', unit: 'Mpps' }],
    peerName: 'C twin',
    ours,
    peer,
    close: async () => remove(),
  };
}
