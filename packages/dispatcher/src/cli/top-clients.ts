import type { ClientStats, QueueStats } from '../stats.js';
import { scaled } from './rates.js';
import type { Sample } from './sampling.js';
import { formatTable, percent } from './table.js';

/** The client of a queue: how full its rings are, and what it and its dispatcher did. Rates are a second. */
export interface ClientView
  extends Pick<ClientStats, 'pid' | 'uid' | 'trusted' | 'frames' | 'txWaiting' | 'txSize'> {
  /** Processors that its process took; null where it cannot be seen. */
  readonly processor: number | null;
  /** Packets that wait in its rxRing, and those that it took and has not returned: shares of all RX frames. */
  readonly rxRingFill: number;
  readonly framesHeld: number;
  /** How often it was woken, and how often it woke the dispatcher. */
  readonly wakeups: number;
  readonly doorbells: number;
  /** Packets that it could not send for lack of frames, as it says itself. */
  readonly backPressure: number;
}

/** `earlier`: the same queue, an interval before. */
export function clientView(sample: Sample, earlier: QueueStats, { client }: QueueStats): ClientView | null {
  if (!client) return null;
  const { pid, uid, trusted, frames, txWaiting, txSize, counters } = client;
  const { seconds, processorSeconds } = sample;
  const before = earlier.client?.session === client.session ? earlier.client : undefined;
  const since = (now: number, then: number | undefined): number => Math.max(now - (then ?? 0), 0) / seconds;
  const taken = processorSeconds.get(pid);
  return {
    pid,
    uid,
    trusted,
    frames,
    txWaiting,
    txSize,
    processor: taken === undefined ? null : taken / seconds,
    rxRingFill: frames.inRing / frames.total,
    framesHeld: frames.client / frames.total,
    wakeups: since(counters.wakeups, before?.counters.wakeups),
    doorbells: since(counters.doorbells, before?.counters.doorbells),
    backPressure: since(client.backPressure, before?.backPressure),
  };
}

const HEAD = [
  'client',
  'queue',
  'user',
  'processor',
  'rxRing',
  'held',
  'txRing',
  'wake-ups/s',
  'doorbells/s',
  'back-pressure/s',
];

/** The lines of the table; none where nobody is attached. */
export function clientTable(
  queues: readonly { readonly name: string; readonly client: ClientView | null }[],
): string[] {
  const rows = queues.flatMap(({ name, client }) => (client ? [row(name, client)] : []));
  return rows.length === 0 ? [] : [formatTable(HEAD, rows, 3), ''];
}

const row = (queue: string, client: ClientView): string[] => [
  String(client.pid),
  queue,
  `${client.uid}${client.trusted ? ' (trusted)' : ''}`,
  client.processor === null ? '-' : percent(client.processor),
  percent(client.rxRingFill),
  percent(client.framesHeld),
  percent(client.txWaiting / client.txSize),
  scaled(client.wakeups),
  scaled(client.doorbells),
  scaled(client.backPressure),
];
