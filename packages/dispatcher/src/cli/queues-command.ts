import type { DispatcherStats, QueueStats, TapStats } from '../stats.js';
import { clientText, dropsOf, headline, queueRates, scaled, sum } from './rates.js';
import { askOnce, type Sample, samples } from './sampling.js';
import { formatTable } from './table.js';

interface Options {
  readonly socket?: string;
  readonly interval: number;
  readonly watch?: boolean;
  readonly json?: boolean;
}

const COLUMNS = [
  'queue',
  'mode',
  'client',
  'rx packets/s',
  'rx bits/s',
  'tx packets/s',
  'tx bits/s',
  'frames held',
  'drops',
  'wake-ups',
];

function render(sample: Sample): string {
  const { plane, deviceCounters, queues } = sample.after;
  const rates = queueRates(sample);
  const rows = queues.map((queue, index) => {
    const { rxPackets, rxBits, txPackets, txBits } = rates[index]!;
    const speeds = [rxPackets, rxBits, txPackets, txBits].map(scaled);
    const { name, mode, totals } = queue;
    return [
      name,
      mode,
      clientText(queue),
      ...speeds,
      heldText(queue),
      String(dropsOf(queue)),
      String(totals.wakeups),
    ];
  });
  const lost = sum(deviceCounters.rxDropped);
  const link = deviceCounters.link === 'down' ? 'link down, ' : '';
  return [
    headline(sample.after),
    formatTable(COLUMNS, rows, 3),
    `${link}received ${plane.received}, sent ${plane.sent}, lost at the device ${lost}, not passed ${plane.notPassed}, dropped as unmatched ${plane.unmatchedDropped}`,
    ...exceptionLines(sample.after),
    ...sample.after.taps.map(tapText),
  ].join('\n');
}

/** RX frames that are out with the client, of those that it may hold. */
const heldText = ({ client }: QueueStats): string =>
  client ? `${client.frames.total - client.frames.free}/${client.frames.total}` : '-';

const tapText = ({ queue, pid, uid, captured, tooSlow, skipped }: TapStats): string =>
  `tap of ${queue ?? 'the device'}: pid ${pid}, user ${uid}, ${captured} packets captured, ${tooSlow + skipped} missed`;

function exceptionLines({ device, plane }: DispatcherStats): string[] {
  if (device.exceptionInterface === undefined) return [];
  const { exceptionToKernel, exceptionFromKernel, exceptionDropped } = plane;
  const counts = `to the kernel ${exceptionToKernel}, from the kernel ${exceptionFromKernel}`;
  return [`${device.exceptionInterface}: ${counts}, lost between ${sum(exceptionDropped)}`];
}

/** `nicshare queues`. */
export async function showQueues({ json, watch, ...options }: Options): Promise<void> {
  if (json) {
    process.stdout.write(`${JSON.stringify(await askOnce(options.socket), null, 2)}\n`);
    return;
  }
  for await (const sample of samples(options)) {
    process.stdout.write(`${render(sample)}\n`);
    if (!watch) return;
  }
}
