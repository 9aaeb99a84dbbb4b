import type { SessionCounters } from '@nicshare/shm';
import type { ClientStats, DispatcherStats, QueueStats } from '../stats.js';
import { counter, type Family, gauge, type Samples } from './family.js';

const eachQueue =
  (value: (queue: QueueStats) => number): Family['samples'] =>
  (stats) =>
    stats.queues.map((queue) => [{ queue: queue.name }, value(queue)]);

const eachClient =
  (value: (client: ClientStats) => number): Family['samples'] =>
  (stats) =>
    stats.queues.flatMap(({ name, client }) => (client ? [[{ queue: name }, value(client)] as const] : []));

/** Counters of a queue that are families of their own. */
const QUEUE_COUNTERS = {
  rxPackets: ['queue_received_packets', 'Packets placed into the rxRing.'],
  rxBytes: ['queue_received_bytes', 'Bytes of these packets.'],
  txPackets: ['queue_sent_packets', 'Packets of clients handed to the device.'],
  txBytes: ['queue_sent_bytes', 'Bytes of these packets.'],
  txDeviceFull: [
    'queue_device_full_turns',
    'Turns in which packets had to wait because the device had no room.',
  ],
  wakeups: ['queue_wakeups', 'Wake-ups sent to clients.'],
  wakeupsRefused: ['queue_wakeups_refused', 'Wake-ups that a full socket refused.'],
  doorbells: ['queue_doorbells', 'Wake-ups that clients sent.'],
} as const satisfies Partial<Record<keyof SessionCounters, readonly [string, string]>>;

/** The other ones are drops: direction and reason. */
const QUEUE_DROPS = {
  rxDropRingFull: ['rx', 'ring_full'],
  rxDropNoFrame: ['rx', 'no_frame'],
  rxDropOversized: ['rx', 'oversized'],
  rxDropNoCredit: ['rx', 'no_credit'],
  txDropRunt: ['tx', 'runt'],
  txDropOversized: ['tx', 'oversized'],
} as const satisfies Record<
  Exclude<keyof SessionCounters, keyof typeof QUEUE_COUNTERS>,
  readonly ['rx' | 'tx', string]
>;

const keys = <K extends string>(record: Record<K, unknown>): K[] => Object.keys(record) as K[];

function queueDrops({ queues }: DispatcherStats): Samples {
  return queues.flatMap(({ name, totals, dropNoClient }) => [
    ...keys(QUEUE_DROPS).map((key) => {
      const [direction, reason] = QUEUE_DROPS[key];
      return [{ queue: name, direction, reason }, totals[key]] as const;
    }),
    [{ queue: name, direction: 'rx', reason: 'no_client' }, dropNoClient] as const,
  ]);
}

const frames = ({ queues }: DispatcherStats): Samples =>
  queues.flatMap(({ name, client }) =>
    client
      ? (['free', 'inRing', 'client'] as const).map(
          (state) => [{ queue: name, state: FRAME_STATES[state] }, client.frames[state]] as const,
        )
      : [],
  );

const FRAME_STATES = { free: 'free', inRing: 'in_ring', client: 'client' } as const;

const QUEUES: readonly Family[] = [
  ...keys(QUEUE_COUNTERS).map((key) => {
    const [name, help] = QUEUE_COUNTERS[key];
    return counter(
      name,
      help,
      ['queue'],
      eachQueue(({ totals }) => totals[key]),
    );
  }),
  counter(
    'queue_dropped_packets',
    'Packets lost on the way to clients, or refused from them.',
    ['queue', 'direction', 'reason'],
    queueDrops,
  ),
  counter(
    'queue_violations',
    'Sessions ended because the client broke a rule of its rings.',
    ['queue'],
    eachQueue((queue) => queue.violations),
  ),
  gauge(
    'queue_attached',
    '1 where a client is attached.',
    ['queue'],
    eachQueue(({ client }) => (client ? 1 : 0)),
  ),
];

const CLIENTS: readonly Family[] = [
  counter(
    'client_back_pressure_packets',
    'Packets that the client could not send for lack of frames, as it says itself; anew with each session.',
    ['queue'],
    eachClient((client) => client.backPressure),
  ),
  gauge('client_frames', 'RX frames of the session, by where they are.', ['queue', 'state'], frames),
  gauge(
    'client_tx_waiting_packets',
    'Packets that wait in the txRing.',
    ['queue'],
    eachClient((client) => client.txWaiting),
  ),
  gauge(
    'client_tx_size_packets',
    'Places of the txRing.',
    ['queue'],
    eachClient((client) => client.txSize),
  ),
  gauge(
    'client_attached_seconds',
    'Since it attached.',
    ['queue'],
    eachClient((client) => client.attachedSeconds),
  ),
  gauge(
    'client_page_size_bytes',
    "Pages of the session's memory.",
    ['queue'],
    eachClient((client) => client.pageSize),
  ),
  gauge(
    'client_trusted',
    '1 where the client could undo the split of the memory by writer.',
    ['queue'],
    eachClient(({ trusted }) => (trusted ? 1 : 0)),
  ),
];

/** The queues and their clients. */
export const QUEUE_FAMILIES: readonly Family[] = [...QUEUES, ...CLIENTS];
