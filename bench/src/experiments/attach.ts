import type { DispatcherOptions } from '@nicshare/dispatcher';
import type { Experiment, Sample } from '../experiment.js';
import type { AttachingSettings } from '../ours/attaching-client.js';
import { runPeer, startOwn } from '../processes.js';
import { commonOptions, QUEUES, type Setup, socketDirectory } from '../setup.js';

const ATTACHES = 21;
/** The default of a configuration, and the peer's. */
const DEFAULT_FRAMES = 2048;

/** From connect() to the first packet; both sides have made the next client's regions before it asks. */
export function attach(setup: Setup): Experiment {
  const { socket, remove } = socketDirectory();
  const common = commonOptions(socket, setup.pages);
  const dispatcherOptions: DispatcherOptions = {
    ...common,
    memory: { ...common.memory, frames: DEFAULT_FRAMES },
    device: { driver: 'null', packetSize: 64, destinationPorts: [QUEUES[0].port], frames: 1024 },
  };
  const clientSettings: AttachingSettings = { socket, queue: QUEUES[0].name, attaches: ATTACHES };

  async function ours(): Promise<Sample> {
    const dispatcher = await startOwn('dispatcher', dispatcherOptions, {});
    const client = await startOwn('attaching-client', clientSettings, {});
    const { medianMs } = await client.lastMessage();
    await dispatcher.stop();
    return { time: medianMs! };
  }

  async function peer(): Promise<Sample> {
    const { medianMs } = await runPeer('attach', { attaches: ATTACHES, pages: setup.pages });
    return { time: medianMs! };
  }

  return {
    name: 'attach',
    metrics: [{ name: 'time', unit: 'ms' }],
    peerName: 'C over unix sockets',
    ours,
    peer,
    close: async () => remove(),
  };
}
