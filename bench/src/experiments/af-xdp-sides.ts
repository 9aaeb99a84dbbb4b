import type { DispatcherOptions } from '@nicshare/dispatcher';
import { startOwn, startPeer } from '../processes.js';
import { commonOptions, QUEUES, type Setup } from '../setup.js';
import { INTERFACE, type Lab } from './lab.js';

/** What a dispatcher and its clients did from the mark to the stop. */
export interface Outcome {
  readonly delivered: number;
  readonly dispatcherCpuNs: number;
  readonly clientsCpuNs: number;
}

/** A dispatcher over AF_XDP with sleeping clients, all on core 0. */
export interface RunningSide {
  /** Begins to count anew: what was until now is no part of the outcome. */
  mark(): Promise<void>;
  stop(): Promise<Outcome>;
}

export type StartSide = (lab: Lab, setup: Setup, clients: number) => Promise<RunningSide>;

/** Idle strategy and rings of both sides. */
const IDLE = { spins: 10, yields: 0, wakeupInterval: 50 } as const;
const RING = 4096;

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
  return {
    // It counts from when it is ready, and nothing is sent to it before the mark: it need not warm up.
    mark: async () => {},
    stop: async () => (await twin.stop()) as unknown as Outcome,
  };
};

interface Usage {
  readonly cpuNs: number;
  /** Of clients. */
  readonly packets: number;
}

function outcome(dispatcher: Usage, clients: readonly Usage[]): Outcome {
  const sum = (key: keyof Usage): number => clients.reduce((total, usage) => total + usage[key], 0);
  return { delivered: sum('packets'), dispatcherCpuNs: dispatcher.cpuNs, clientsCpuNs: sum('cpuNs') };
}

const since = (now: Outcome, then: Outcome): Outcome => ({
  delivered: now.delivered - then.delivered,
  dispatcherCpuNs: now.dispatcherCpuNs - then.dispatcherCpuNs,
  clientsCpuNs: now.clientsCpuNs - then.clientsCpuNs,
});

/** Packets a second, and seconds: enough for the compilers of the runtime, too few to lose any. */
const WARM_UP = { rate: 40_000, seconds: 0.5 };

export const startOurs =
  (socket: string): StartSide =>
  async (lab, setup, clients) => {
    const common = commonOptions(socket, setup.pages);
    const options: DispatcherOptions = {
      ...common,
      memory: { ...common.memory, ringSize: RING, deviceRingSize: RING },
      device: { driver: 'af_xdp', interface: INTERFACE, rings: 1 },
      idle: IDLE,
    };
    const dispatcher = await startOwn('dispatcher', options, { core: 0, namespace: lab.namespace });
    const own = await Promise.all(
      QUEUES.slice(0, clients).map(({ name }) =>
        startOwn('sleeping-client', { socket, queue: name }, { core: 0 }),
      ),
    );
    const usage = async (): Promise<Outcome> => {
      const usages = await Promise.all(own.map((client) => client.ask('usage')));
      return outcome((await dispatcher.ask('usage')) as unknown as Usage, usages as unknown as Usage[]);
    };
    let marked = await usage();
    return {
      mark: async () => {
        await lab.send(WARM_UP.rate, WARM_UP.seconds);
        marked = await usage();
      },
      stop: async () => {
        const result = since(await usage(), marked);
        await Promise.all(own.map((client) => client.stop()));
        await dispatcher.stop();
        return result;
      },
    };
  };
