import { rxDrops, type SessionCounters, txDrops } from '@nicshare/shm';
import type { DispatcherStats, QueueStats } from '../stats.js';
import type { Sample } from './sampling.js';

/** Counts a second, by reason. */
export type Rates = Readonly<Record<string, number>>;

export interface QueueRates {
  readonly rxPackets: number;
  readonly rxBits: number;
  readonly txPackets: number;
  readonly txBits: number;
  readonly wakeups: number;
  readonly drops: Rates;
}

const DROPS = [
  'rxDropRingFull',
  'rxDropNoFrame',
  'rxDropOversized',
  'rxDropNoCredit',
  'txDropRunt',
  'txDropOversized',
] as const satisfies readonly (keyof SessionCounters)[];

/** Packets that a queue has lost, all reasons together. */
export const dropsOf = (queue: QueueStats): number =>
  rxDrops(queue.totals) + txDrops(queue.totals) + queue.dropNoClient;

/** Of each queue, a second, in the order of `after.queues`. */
export function queueRates({ before, after, seconds }: Sample): QueueRates[] {
  return after.queues.map((queue) => {
    const earlier = before.queues.find(({ name }) => name === queue.name) ?? queue;
    const rate = (counter: keyof SessionCounters): number =>
      (queue.totals[counter] - earlier.totals[counter]) / seconds;
    return {
      rxPackets: rate('rxPackets'),
      rxBits: rate('rxBytes') * 8,
      txPackets: rate('txPackets'),
      txBits: rate('txBytes') * 8,
      wakeups: rate('wakeups'),
      drops: {
        ...Object.fromEntries(DROPS.map((reason) => [reason, rate(reason)])),
        noClient: (queue.dropNoClient - earlier.dropNoClient) / seconds,
      },
    };
  });
}

/** How much each count of a record has grown, a second. */
export const rateOfEach = (before: Rates, after: Rates, seconds: number): Rates =>
  Object.fromEntries(
    Object.entries(after).map(([reason, count]) => [reason, (count - (before[reason] ?? 0)) / seconds]),
  );

export const sum = (counts: Rates): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

/** 1234567 as '1.23 M'. */
export function scaled(value: number): string {
  for (const [unit, size] of [
    ['G', 1e9],
    ['M', 1e6],
    ['k', 1e3],
  ] as const)
    if (value >= size) return `${(value / size).toFixed(2)} ${unit}`;
  return value.toFixed(0);
}

/** Who is attached to a queue. */
export function clientText({ client }: QueueStats): string {
  if (!client) return '-';
  const { pid, uid, trusted } = client;
  return `pid ${pid}, user ${uid}${trusted ? ', trusted' : ''}`;
}

/** The first line of every table. */
export const headline = ({
  device,
  pid,
  uptimeSeconds,
}: Pick<DispatcherStats, 'pid' | 'uptimeSeconds'> & {
  readonly device: Pick<DispatcherStats['device'], 'interface' | 'driver' | 'mode'>;
}): string =>
  `${device.interface} by ${device.driver} (${device.mode}), dispatcher ${pid}, up ${uptimeSeconds.toFixed(0)} s`;
