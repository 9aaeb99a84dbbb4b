import { setTimeout as delay } from 'node:timers/promises';
import type { Experiment, Sample } from '../experiment.js';
import { type Setup, socketDirectory } from '../setup.js';
import { type StartSide, startOurs, startTwin } from './af-xdp-sides.js';
import { CLIENTS, type Lab, openLab } from './lab.js';

const FIXED_RATE = 300_000;
/** Rates that the search for the highest lossless one tries: from, to and step, packets a second. */
const SEARCH = { from: 50_000, to: 800_000, step: 50_000 };
const SEARCH_SECONDS = 0.5;
/** What is on its way when the sender ends has come by then. */
const SETTLE_MS = 100;

interface Trial {
  readonly lost: number;
  readonly cpuNsPerPacket: number;
  /** What the sender came to, which has a limit of its own. */
  readonly packetsPerSecond: number;
}

/** Starts a side, sends to it at a rate, and says what became of the packets. */
async function trial(
  start: StartSide,
  lab: Lab,
  setup: Setup,
  rate: number,
  seconds: number,
): Promise<Trial> {
  const side = await start(lab, setup, CLIENTS);
  await side.mark();
  const { sent, packetsPerSecond } = await lab.send(rate, seconds);
  await delay(SETTLE_MS);
  const { delivered, dispatcherCpuNs, clientsCpuNs } = await side.stop();
  const cpuNsPerPacket = (dispatcherCpuNs + clientsCpuNs) / Math.max(delivered, 1);
  return { lost: sent - delivered, cpuNsPerPacket, packetsPerSecond };
}

/** A fixed rate on one hardware queue, four named queues, two clients: loss, and the processor time of a packet. */
export async function fixedRate(setup: Setup): Promise<Experiment> {
  const lab = await openLab();
  const { socket, remove } = socketDirectory();
  const run = async (start: StartSide): Promise<Sample> => {
    const { lost, cpuNsPerPacket } = await trial(start, lab, setup, FIXED_RATE, setup.seconds);
    return { lost, cpu: cpuNsPerPacket };
  };
  return {
    name: 'af-xdp-300k',
    metrics: [
      { name: 'cpu', unit: 'ns/packet' },
      { name: 'lost', unit: 'packets' },
    ],
    peerName: 'C twin',
    ours: () => run(startOurs(socket)),
    peer: () => run(startTwin),
    close: async () => {
      remove();
      await lab.close();
    },
  };
}

/** Tries a rate again where packets were lost: something else may have had the core. */
async function bestOfTwo(start: StartSide, lab: Lab, setup: Setup, rate: number): Promise<Trial> {
  const first = await trial(start, lab, setup, rate, SEARCH_SECONDS);
  return first.lost === 0 ? first : trial(start, lab, setup, rate, SEARCH_SECONDS);
}

/** The highest rate at which nothing is lost, found by halving. */
async function highestRate(start: StartSide, lab: Lab, setup: Setup): Promise<Sample> {
  let reached = 0;
  let low = 0;
  let high = Math.round((SEARCH.to - SEARCH.from) / SEARCH.step) + 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    const result = await bestOfTwo(start, lab, setup, SEARCH.from + middle * SEARCH.step);
    if (result.lost === 0) {
      reached = Math.max(reached, result.packetsPerSecond);
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return { rate: reached / 1e3 };
}

export async function highestLosslessRate(setup: Setup): Promise<Experiment> {
  const lab = await openLab();
  const { socket, remove } = socketDirectory();
  return {
    name: 'af-xdp-lossless',
    metrics: [{ name: 'rate', unit: 'kpps' }],
    peerName: 'C twin',
    ours: () => highestRate(startOurs(socket), lab, setup),
    peer: () => highestRate(startTwin, lab, setup),
    close: async () => {
      remove();
      await lab.close();
    },
  };
}

/** A dispatcher without traffic, three sleeping clients: the share of a core that it takes. */
export async function idle(setup: Setup): Promise<Experiment> {
  const lab = await openLab();
  const { socket, remove } = socketDirectory();
  const idleMs = setup.seconds * 1000;
  const run = async (start: StartSide): Promise<Sample> => {
    const side = await start(lab, setup, 3);
    await side.mark();
    await delay(idleMs);
    const { dispatcherCpuNs } = await side.stop();
    return { cpu: (dispatcherCpuNs / (idleMs * 1e6)) * 100 };
  };
  return {
    name: 'idle',
    metrics: [{ name: 'cpu', unit: '% of a core' }],
    peerName: 'C twin',
    ours: () => run(startOurs(socket)),
    peer: () => run(startTwin),
    close: async () => {
      remove();
      await lab.close();
    },
  };
}
