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
  /** Processor time that the dispatcher took meanwhile; undefined where this user may not see it. */
  readonly processorSeconds: number | undefined;
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
    let taken = processorSeconds(before.pid);
    while (await passed(interval, signal)) {
      const after = await look(client);
      const takenNow = processorSeconds(after.pid);
      const seconds = after.uptimeSeconds - before.uptimeSeconds;
      yield { before, after, seconds, processorSeconds: difference(taken, takenNow) };
      before = after;
      taken = takenNow;
    }
  } finally {
    await client.close();
  }
}

const difference = (before: number | undefined, after: number | undefined): number | undefined =>
  before === undefined || after === undefined ? undefined : after - before;

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
