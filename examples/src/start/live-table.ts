import type { DispatcherStats, QueueStats } from '@nicshare/dispatcher';
import { rxDrops, type SessionCounters, txDrops } from '@nicshare/shm';
import { columns } from './columns.js';

const HEAD = ['queue', 'client pid', 'packets/s in', 'packets/s out', 'bits/s', 'drops', 'wake-ups'];

/** 1234567 as '1.23 M'. */
function scaled(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  return value >= 1e3 ? `${(value / 1e3).toFixed(1)} k` : value.toFixed(0);
}

/** Rates are those between two looks; drops and wake-ups count from the start. */
export function liveTable(before: DispatcherStats, after: DispatcherStats): string[] {
  const seconds = after.uptimeSeconds - before.uptimeSeconds;
  const row = (queue: QueueStats, index: number): string[] => {
    const { totals, client, dropNoClient } = queue;
    const rate = (counter: keyof SessionCounters): number =>
      (totals[counter] - before.queues[index]!.totals[counter]) / seconds;
    return [
      queue.name,
      client === null ? '-' : String(client.pid),
      rate('rxPackets').toFixed(0),
      rate('txPackets').toFixed(0),
      scaled(8 * (rate('rxBytes') + rate('txBytes'))),
      String(rxDrops(totals) + txDrops(totals) + dropNoClient),
      String(totals.wakeups),
    ];
  };
  return columns([HEAD, ...after.queues.map(row)]);
}
