import type { DispatcherOptions } from '@nicshare/dispatcher';
import { createNamespace, createVethPair, type Namespace } from '@nicshare/netlab';
import type { Experiment, Sample } from '../experiment.js';
import type { EchoSettings } from '../ours/udp-echo.js';
import { runPeer, startOwn } from '../processes.js';
import { commonOptions, type Setup, socketDirectory } from '../setup.js';

const SERVER = { name: 'nic0', mac: '02:00:00:00:00:02', address: '10.90.0.2' };
const SENDER = { name: 'gen0', mac: '02:00:00:00:00:01', address: '10.90.0.1' };
const PORT = 7;
const PAYLOAD = 22;
const RING = 4096;
/** Rates that the search tries, requests a second. */
const SEARCH = { from: 10_000, to: 600_000, step: 10_000 };
/** Share of requests without an answer up to which a rate counts as served. */
const TOLERATED = 0.001;
/** For the compilers of the runtime: a rate that both sides serve. */
const WARM_UP = { rate: 30_000, seconds: 1 };

interface Lab {
  readonly sender: Namespace;
  readonly server: Namespace;
  close(): Promise<void>;
}

async function openLab(): Promise<Lab> {
  const [sender, server] = [await createNamespace(), await createNamespace()];
  const end = (namespace: Namespace, { name, mac, address }: typeof SERVER) => ({
    namespace,
    name,
    mac,
    addresses: [`${address}/24`],
  });
  const close = async (): Promise<void> => {
    await Promise.all([sender.close(), server.close()]);
  };
  try {
    await createVethPair(end(sender, SENDER), end(server, SERVER));
  } catch (error) {
    await close();
    throw error;
  }
  return { sender, server, close };
}

/** A running server; everything of it is on core 0. */
interface Side {
  stop(): Promise<void>;
}

type StartSide = (lab: Lab) => Promise<Side>;

const startKernel: StartSide = async ({ server }) => {
  const echo = await startOwn('udp-echo', { port: PORT } satisfies EchoSettings, {
    core: 0,
    namespace: server,
  });
  return { stop: async () => void (await echo.stop()) };
};

const startOurs =
  (socket: string, setup: Setup): StartSide =>
  async ({ server }) => {
    const common = commonOptions(socket, setup.pages);
    const options: DispatcherOptions = {
      ...common,
      memory: { ...common.memory, ringSize: RING, deviceRingSize: RING },
      device: { driver: 'af_xdp', interface: SERVER.name, rings: 1 },
      queues: [{ name: 'echo', match: { protocol: 'udp', destinationPort: PORT } }],
    };
    const dispatcher = await startOwn('dispatcher', options, { core: 0, namespace: server });
    const settings: EchoSettings = { port: PORT, queue: { socket, name: 'echo' } };
    const echo = await startOwn('udp-echo', settings, { core: 0 });
    return {
      stop: async () => {
        await echo.stop();
        await dispatcher.stop();
      },
    };
  };

interface Exchange {
  readonly share: number;
  /** What the sender came to, which has a limit of its own. */
  readonly requestsPerSecond: number;
}

async function exchange({ sender }: Lab, rate: number, seconds: number): Promise<Exchange> {
  const addresses = { from: SENDER.mac, to: SERVER.mac, source: SENDER.address, destination: SERVER.address };
  const options = { interface: SENDER.name, ...addresses, port: PORT, payload: PAYLOAD, rate, seconds };
  const { sent, answered, wrong, seconds: took } = await runPeer('echo-sender', options, sender);
  if (wrong! > 0) throw new Error(`${wrong} answers were wrong.`);
  return { share: 1 - answered! / sent!, requestsPerSecond: sent! / took! };
}

/** The highest rate of requests that are answered but for a thousandth, found by halving. */
async function highestRate(start: StartSide, lab: Lab, setup: Setup): Promise<Sample> {
  const side = await start(lab);
  await exchange(lab, WARM_UP.rate, WARM_UP.seconds);
  let reached = 0;
  let low = 0;
  let high = Math.round((SEARCH.to - SEARCH.from) / SEARCH.step) + 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    const { share, requestsPerSecond } = await exchange(
      lab,
      SEARCH.from + middle * SEARCH.step,
      setup.seconds,
    );
    if (share <= TOLERATED) {
      reached = Math.max(reached, requestsPerSecond);
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  await side.stop();
  return { rate: reached / 1e3 };
}

/** The same echo program on sockets of the kernel and on ours. */
export async function udpEcho(setup: Setup): Promise<Experiment> {
  const lab = await openLab();
  const { socket, remove } = socketDirectory();
  return {
    name: 'udp-echo',
    metrics: [{ name: 'rate', unit: 'kpps' }],
    peerName: 'node:dgram',
    ours: () => highestRate(startOurs(socket, setup), lab, setup),
    peer: () => highestRate(startKernel, lab, setup),
    close: async () => {
      remove();
      await lab.close();
    },
  };
}
