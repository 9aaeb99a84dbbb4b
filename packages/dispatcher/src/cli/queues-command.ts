import { setTimeout as pause } from 'node:timers/promises';
import { type Client, connect } from '@nicshare/client';
import { rxDrops, type SessionCounters, txDrops } from '@nicshare/shm';
import type { DispatcherStats, QueueStats } from '../stats.js';
import { formatTable } from './table.js';

interface Options {
  readonly socket?: string;
  readonly interval: number;
  readonly watch?: boolean;
  readonly json?: boolean;
}

const COLUMNS = [
  'queue',
  'client',
  'rx packets/s',
  'rx bits/s',
  'tx packets/s',
  'tx bits/s',
  'drops',
  'wake-ups',
];

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

const drops = (queue: QueueStats): number =>
  rxDrops(queue.totals) + txDrops(queue.totals) + queue.dropNoClient;

function client(queue: QueueStats): string {
  if (!queue.client) return '-';
  const { pid, uid, trusted } = queue.client;
  return `pid ${pid}, user ${uid}${trusted ? ', trusted' : ''}`;
}

function row(before: QueueStats, after: QueueStats, seconds: number): string[] {
  const rate = (name: keyof SessionCounters): number => (after.totals[name] - before.totals[name]) / seconds;
  return [
    after.name,
    client(after),
    scaled(rate('rxPackets')),
    scaled(rate('rxBytes') * 8),
    scaled(rate('txPackets')),
    scaled(rate('txBytes') * 8),
    String(drops(after)),
    String(after.totals.wakeups),
  ];
}

function render(before: DispatcherStats, after: DispatcherStats): string {
  const seconds = after.uptimeSeconds - before.uptimeSeconds;
  const { device, plane } = after;
  const rows = after.queues.map((queue, index) => row(before.queues[index]!, queue, seconds));
  const lost = Object.values(after.deviceCounters.rxDropped).reduce((sum, count) => sum + count, 0);
  return [
    `${device.interface} by ${device.driver} (${device.mode}), dispatcher ${after.pid}, up ${after.uptimeSeconds.toFixed(0)} s`,
    formatTable(COLUMNS, rows),
    `received ${plane.received}, sent ${plane.sent}, lost at the device ${lost}, not passed ${plane.notPassed}, dropped as unmatched ${plane.unmatchedDropped}`,
  ].join('\n');
}

const sample = async (connection: Client): Promise<DispatcherStats> =>
  (await connection.stats()) as DispatcherStats;

/** `nicshare queues`. */
export async function showQueues(options: Options): Promise<void> {
  const connection = await connect(options.socket === undefined ? {} : { socket: options.socket });
  try {
    let before = await sample(connection);
    if (options.json) {
      process.stdout.write(`${JSON.stringify(before, null, 2)}\n`);
      return;
    }
    do {
      await pause(options.interval * 1000);
      const after = await sample(connection);
      process.stdout.write(`${render(before, after)}\n`);
      before = after;
    } while (options.watch);
  } finally {
    await connection.close();
  }
}
