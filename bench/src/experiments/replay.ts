import { join } from 'node:path';
import type { Experiment, Sample } from '../experiment.js';
import type { ReplaySettings } from '../ours/replay.js';
import { runPeer, startOwn } from '../processes.js';
import { POOL_PACKETS, QUEUES, type Setup, socketDirectory } from '../setup.js';
import { writeUdpCapture } from '../udp-capture.js';
import { delivery } from './delivery.js';

const PACKET_SIZE = 64;

/** A capture of the packets that the twin prepares, but for the numbers that are drawn. */
function capture(directory: string): string {
  const file = join(directory, 'replay.pcap');
  writeUdpCapture(file, { packets: POOL_PACKETS, packetSize: PACKET_SIZE, port: QUEUES[0].port });
  return file;
}

/** A capture, replayed flat out and without end, to one client in another process. */
export const replay = (setup: Setup): Experiment =>
  delivery(setup, PACKET_SIZE, {
    source: {
      name: 'pcap',
      device: (directory) => ({ driver: 'pcap', file: capture(directory), rate: 'flat-out', loop: true }),
    },
  });

/** The driver alone, its packets looked at by who polls it; the twin's loop over its pool does the same. */
export function replayDriver({ pages, seconds, warmupSeconds }: Setup): Experiment {
  const { directory, remove } = socketDirectory();
  const settings: ReplaySettings = { file: capture(directory), pages, warmupSeconds, seconds };

  async function ours(): Promise<Sample> {
    const device = await startOwn('replay', settings, { core: 0 });
    const { packets, ns } = await device.lastMessage();
    return { rate: (packets! * 1e3) / ns! };
  }

  async function peer(): Promise<Sample> {
    const options = { size: PACKET_SIZE, seconds, warmup: warmupSeconds, pages, mode: 'device' };
    const { mpps } = await runPeer('twin-null', options);
    return { rate: mpps! };
  }

  return {
    name: 'pcap-driver',
    metrics: [{ name: 'rate', unit: 'Mpps' }],
    peerName: 'C twin',
    ours,
    peer,
    close: async () => remove(),
  };
}
