import { setTimeout as pause } from 'node:timers/promises';
import { type Client, connect } from '@nicshare/client';
import type { DispatcherStats } from '../stats.js';
import { processorSeconds } from './processor-time.js';

/** What a dispatcher counted, and what it had counted some time before. */
export interface Sample {
  readonly before: DispatcherStats;
  readonly after: DispatcherStats;
  /** Between them. */
  readonly seconds: number;
  /** Processor time that the dispatcher and its clients took meanwhile, by process; of those that this user may see. */
  readonly processorSeconds: ReadonlyMap<number, number>;
}

export interface SamplingOptions {
  /** Control socket; the usual one where it is left out. */
  readonly socket?: string;
  /** Seconds between two looks. */
  readonly interval: number;
  /** Ends the sampling, without an error. */
  readonly signal?: AbortSignal;
}

const look = async (client: Client): Promise<DispatcherStats> => (await client.stats()) as DispatcherStats;

const dispatcherAt = (socket: string | undefined): Promise<Client> =>
  connect(socket === undefined ? {} : { socket });

/** Asks a dispatcher once. Throws NicshareError DispatcherNotRunning, VersionMismatch, Timeout. */
export async function askOnce(socket: string | undefined): Promise<DispatcherStats> {
  const client = await dispatcherAt(socket);
  try {
    return await look(client);
  } finally {
    await client.close();
  }
}

/** Asks again and again, until the consumer or the signal ends it. Throws as askOnce, and DispatcherStopped. */
export async function* samples({ socket, interval, signal }: SamplingOptions): AsyncGenerator<Sample> {
  const client = await dispatcherAt(socket);
  try {
    let before = await look(client);
    let taken = processorTimes(before);
    while (await passed(interval, signal)) {
      const after = await look(client);
      const takenNow = processorTimes(after);
      const seconds = after.uptimeSeconds - before.uptimeSeconds;
      yield { before, after, seconds, processorSeconds: differences(taken, takenNow) };
      before = after;
      taken = takenNow;
    }
  } finally {
    await client.close();
  }
}

/** Since each process' start. */
function processorTimes({ pid, queues }: DispatcherStats): Map<number, number> {
  const pids = new Set([pid, ...queues.flatMap(({ client }) => client?.pid ?? [])]);
  return new Map([...pids].flatMap((process) => timeOf(process)));
}

function timeOf(pid: number): [number, number][] {
  const seconds = processorSeconds(pid);
  return seconds === undefined ? [] : [[pid, seconds]];
}

const differences = (
  before: ReadonlyMap<number, number>,
  after: ReadonlyMap<number, number>,
): Map<number, number> =>
  new Map(
    [...after].flatMap(([pid, seconds]) => {
      const then = before.get(pid);
      return then === undefined ? [] : [[pid, Math.max(seconds - then, 0)]];
    }),
  );

/** Whether the time has passed without the signal. */
async function passed(seconds: number, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    await pause(seconds * 1000, undefined, signal && { signal });
    return true;
  } catch (error) {
    if (signal?.aborted) return false;
    throw error;
  }
}
