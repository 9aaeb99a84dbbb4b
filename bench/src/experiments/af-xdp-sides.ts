import type { DispatcherOptions } from '@nicshare/dispatcher';
import { startOwn, startPeer } from '../processes.js';
import { commonOptions, QUEUES, type Setup } from '../setup.js';
import { INTERFACE, type Lab } from './lab.js';

/** What a dispatcher and its clients did from start to stop. */
export interface Outcome {
  readonly delivered: number;
  readonly dispatcherCpuNs: number;
  readonly clientsCpuNs: number;
}

/** A dispatcher over AF_XDP with sleeping clients, all on core 0. */
export interface RunningSide {
  stop(): Promise<Outcome>;
}

export type StartSide = (lab: Lab, setup: Setup, clients: number) => Promise<RunningSide>;

/** Idle strategy and rings of both sides. */
const IDLE = { spins: 200, yields: 20, wakeupInterval: 50 } as const;
const DEVICE_RING = 2048;

export const startTwin: StartSide = async (lab, setup, clients) => {
  const options = {
    interface: INTERFACE,
    clients,
    pages: setup.pages,
    spins: IDLE.spins,
    yields: IDLE.yields,
    'wakeup-interval': IDLE.wakeupInterval,
  };
  const twin = await startPeer('twin-xdp', options, lab.namespace);
  return { stop: async () => (await twin.stop()) as unknown as Outcome };
};

export const startOurs =
  (socket: string): StartSide =>
  async (lab, setup, clients) => {
    const common = commonOptions(socket, setup.pages);
    const options: DispatcherOptions = {
      ...common,
      memory: { ...common.memory, deviceRingSize: DEVICE_RING },
      device: { driver: 'af_xdp', interface: INTERFACE, rings: 1 },
      idle: IDLE,
    };
    const dispatcher = await startOwn('dispatcher', options, { core: 0, namespace: lab.namespace });
    const queues = QUEUES.slice(0, clients);
    const own = await Promise.all(
      queues.map(({ name }) => startOwn('sleeping-client', { socket, queue: name }, { core: 0 })),
    );
    return {
      stop: async () => {
        const results = await Promise.all(own.map((client) => client.stop()));
        const { cpuNs } = await dispatcher.stop();
        const sum = (key: string): number => results.reduce((total, result) => total + result[key]!, 0);
        return { delivered: sum('packets'), dispatcherCpuNs: cpuNs!, clientsCpuNs: sum('cpuNs') };
      },
    };
  };
