import type { DispatcherStats, QueueStats } from '@nicshare/dispatcher';
import { columns } from './columns.js';
import type { FlowTally, TrafficTally } from './flow.js';
import type { QueueName } from './scenario.js';

/** What a client says of itself: receive.ts and respond.ts. */
export interface ClientTally {
  readonly received: number;
  readonly ignored?: number;
  readonly backPressure?: number;
}

/** Where the packets that were sent to one queue have gone. */
export interface QueueAccount {
  readonly queue: QueueName;
  readonly sent: number;
  /** Answers that came back; where the client does not answer, packets that it counted. */
  readonly served: number;
  readonly answers: boolean;
  readonly dropped: Readonly<Record<string, number>>;
  readonly unexpected: number;
}

export interface Account {
  readonly queues: readonly QueueAccount[];
  /** Lost by the device itself, which knows no queues. */
  readonly device: number;
}

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

function drops({ totals, dropNoClient }: QueueStats, client: ClientTally): Record<string, number> {
  return {
    'ring full': totals.rxDropRingFull,
    'no frame': totals.rxDropNoFrame,
    'no credit': totals.rxDropNoCredit,
    oversized: totals.rxDropOversized + totals.txDropOversized,
    runt: totals.txDropRunt,
    'no client': dropNoClient,
    'not for this client': client.ignored ?? 0,
    'no frame to answer in': client.backPressure ?? 0,
  };
}

/** Puts together what the senders, the clients and the dispatcher counted. */
export function account(
  roles: readonly { readonly queue: QueueName; readonly answers: boolean }[],
  sent: TrafficTally,
  clients: Readonly<Partial<Record<QueueName, ClientTally>>>,
  stats: Pick<DispatcherStats, 'queues' | 'deviceCounters'>,
): Account {
  const { rxDropped, txDropped } = stats.deviceCounters;
  const queues = roles.map(({ queue, answers }): QueueAccount => {
    const flow: FlowTally = sent[queue]!;
    const client = clients[queue]!;
    return {
      queue,
      answers,
      sent: flow.sent,
      served: answers ? flow.answered : client.received,
      dropped: drops(stats.queues.find(({ name }) => name === queue)!, client),
      unexpected: flow.unexpected,
    };
  });
  return { queues, device: sum(rxDropped) + sum(txDropped) };
}

/** Packets of a queue that nobody counted as served or dropped. */
export const missing = ({ sent, served, dropped }: QueueAccount): number => sent - served - sum(dropped);

/** Whether every packet is accounted for, once: what misses in the queues is what the device lost. */
export function addsUp({ queues, device }: Account): boolean {
  if (queues.some((queue) => missing(queue) < 0 || queue.unexpected > 0)) return false;
  return queues.reduce((total, queue) => total + missing(queue), 0) === device;
}

/** The account as lines to print. */
export function summary(result: Account, verb: 'sent' | 'replayed'): string[] {
  const { queues, device } = result;
  const total = (of: (queue: QueueAccount) => number): number =>
    queues.reduce((all, queue) => all + of(queue), 0);
  const row = (name: string, of: (value: (queue: QueueAccount) => number) => number): string[] => [
    name,
    String(of((queue) => queue.sent)),
    String(of((queue) => (queue.answers ? queue.served : 0))),
    String(of((queue) => (queue.answers ? 0 : queue.served))),
    String(of((queue) => sum(queue.dropped))),
    String(of(missing)),
  ];
  return [
    'Summary',
    ...columns([
      ['queue', verb, 'answered', 'counted', 'dropped', 'missing'],
      ...queues.map((queue) => row(queue.queue, (value) => value(queue))),
      row('all', total),
    ]),
    ...queues.flatMap(details),
    ...(device > 0 ? [`The device lost ${device} before they reached a queue, or after they left it.`] : []),
    addsUp(result)
      ? `It adds up: ${verb} = answered + counted + dropped.`
      : 'IT DOES NOT ADD UP: packets are missing that nobody counted as dropped, or came back that should not.',
  ];
}

function details({ queue, dropped, unexpected }: QueueAccount): string[] {
  const reasons = Object.entries(dropped).filter(([, count]) => count > 0);
  const lines = reasons.map(([reason, count]) => `${queue}: ${count} dropped, ${reason}`);
  return unexpected > 0 ? [...lines, `${queue}: ${unexpected} came back damaged, twice or unasked`] : lines;
}
