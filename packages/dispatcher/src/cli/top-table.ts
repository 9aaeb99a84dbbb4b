import { headline, type Rates, scaled, sum } from './rates.js';
import { formatTable, percent } from './table.js';
import { clientTable } from './top-clients.js';
import { latencyTable } from './top-latency.js';
import type { QueueView, RingView, TopView } from './top-view.js';

const RINGS = ['ring', 'rx packets/s', 'rx waiting', 'rx free', 'tx packets/s', 'tx waiting'];
const QUEUES = ['queue', 'mode', 'rx packets/s', 'rx bits/s', 'tx packets/s', 'tx bits/s', 'drops/s'];

const ringRow = (ring: RingView): string[] => [
  String(ring.ring),
  scaled(ring.rxPackets),
  `${ring.rxWaiting}/${ring.rxSize}`,
  String(ring.rxFree),
  scaled(ring.txPackets),
  `${ring.txWaiting}/${ring.txSize}`,
];

const queueRow = (queue: QueueView): string[] => [
  queue.name,
  queue.mode,
  ...[queue.rxPackets, queue.rxBits, queue.txPackets, queue.txBits, sum(queue.drops)].map(scaled),
];

/** 'dns: rxDropRingFull 12', where there are any. */
function dropLine(where: string, drops: Rates): string[] {
  const reasons = Object.entries(drops).filter(([, rate]) => rate > 0);
  if (reasons.length === 0) return [];
  return [`  ${where}: ${reasons.map(([reason, rate]) => `${reason} ${scaled(rate)}`).join(', ')}`];
}

function dropLines({ device, exception, queues }: TopView): string[] {
  const lines = [
    ...dropLine(device.interface, device.drops),
    ...(exception ? dropLine(exception.interface, exception.drops) : []),
    ...queues.flatMap(({ name, drops }) => dropLine(name, drops)),
  ];
  return lines.length === 0 ? ['no drops'] : ['drops a second', ...lines];
}

function exceptionLines({ exception }: TopView): string[] {
  if (!exception) return [];
  const [given, taken] = [scaled(exception.toKernel), scaled(exception.fromKernel)];
  return [`${exception.interface}: to the kernel ${given} packets/s, from the kernel ${taken} packets/s`];
}

/** The lines of the table. */
export function renderTop(view: TopView): string[] {
  const { device, dispatcher, queues } = view;
  const processor = dispatcher.processor === null ? '' : `, ${percent(dispatcher.processor)} of a processor`;
  const rings = device.rings.length === 0 ? [] : [formatTable(RINGS, device.rings.map(ringRow), 1), ''];
  return [
    `${headline({ device, ...dispatcher })}${processor}`,
    `received ${scaled(device.rxPackets)} packets/s, ${scaled(device.rxBits)} bits/s; sent ${scaled(device.txPackets)} packets/s`,
    ...exceptionLines(view),
    '',
    ...rings,
    formatTable(QUEUES, queues.map(queueRow), 2),
    '',
    ...clientTable(queues),
    ...latencyTable(queues),
    ...dropLines(view),
  ].flatMap((text) => text.split('\n'));
}
