import type { DeviceInfo, DeviceStats, RuleCoverage } from '@nicshare/driver';
import {
  formatMac,
  LATENCY_BOUNDS_SECONDS,
  layout,
  readCounter,
  readSessionCounters,
  type SessionCounters,
} from '@nicshare/shm';
import type { ClientSession } from './conductor/client-session.js';
import type { Conductor } from './conductor/conductor.js';
import type { PacketTap } from './conductor/packet-taps.js';
import type { Queue } from './conductor/queue.js';
import type { QueueConfig } from './config/schema.js';
import type { OpenDevice } from './dataplane/handle.js';
import { type PlaneCounters, readPlaneCounters } from './dataplane/plane.js';
import { queueRecord } from './dataplane/rule-table.js';
import { sessionRecord } from './dataplane/session-table.js';
import * as T from './dataplane/tables.js';
import { pickupsOf } from './latency/pickups.js';
import { type QueueLatency, readStages } from './latency/stages.js';
import type { StackStats } from './stack/service.js';

/** Where the RX frames are that a client may hold; free + inRing + client = total. */
export interface FrameLedger {
  /** In mode `isolated` the session's own; in mode `shared` its credit of the device's. */
  readonly total: number;
  readonly free: number;
  /** In the rxRing, not yet taken. */
  readonly inRing: number;
  /** Taken by the client and not yet returned, as far as its cursors tell. */
  readonly client: number;
}

export interface ClientStats {
  readonly session: number;
  readonly pid: number;
  readonly uid: number;
  /** It could undo the split of the memory by writer: it is root or our own user. */
  readonly trusted: boolean;
  readonly attachedSeconds: number;
  readonly pageSize: number;
  readonly counters: SessionCounters;
  /** Packets that it could not send for lack of TX frames, as it says itself. */
  readonly backPressure: number;
  readonly frames: FrameLedger;
  /** Packets that wait in its txRing, and places there. */
  readonly txWaiting: number;
  readonly txSize: number;
}

export interface QueueStats {
  readonly name: string;
  readonly mode: string;
  readonly match: QueueConfig['match'];
  readonly priority: number;
  readonly client: ClientStats | null;
  /** Over all sessions, the attached one included. */
  readonly totals: SessionCounters;
  /** Packets for the queue while nobody was attached. */
  readonly dropNoClient: number;
  /** Sessions that were ended because the client broke a rule of its rings. */
  readonly violations: number;
  /** Null where no samples are taken. */
  readonly latency: QueueLatency | null;
}

export interface LatencySampling {
  /** Between two samples of a client, at least. */
  readonly intervalMicroseconds: number;
  /** The longest that each bucket of the queues' histograms counts; the last bucket, behind these, counts the rest. */
  readonly boundsSeconds: readonly number[];
}

/** Somebody who watches packets by `nicshare tap`. */
export interface TapStats {
  /** null: the whole device. */
  readonly queue: string | null;
  readonly pid: number;
  readonly uid: number;
  /** Packets that it was given. */
  readonly captured: number;
  /** Packets that it missed because it was too slow. */
  readonly tooSlow: number;
  /** Packets that it missed because the dataplane had no time to copy them. */
  readonly skipped: number;
}

export interface DispatcherStats {
  readonly pid: number;
  readonly uptimeSeconds: number;
  readonly device: Omit<DeviceInfo, 'mac'> & {
    readonly mac: string;
    readonly rules: RuleCoverage;
    /** The kernel's interface that gets what no queue takes, where one was made for that. */
    readonly exceptionInterface?: string;
  };
  readonly deviceCounters: DeviceStats;
  readonly plane: PlaneCounters;
  readonly memory: { readonly budget: number; readonly used: number };
  /** How latencies are sampled; null where they are not. */
  readonly latency: LatencySampling | null;
  /** Refusals on the control and descriptor sockets, by code. */
  readonly refusals: Readonly<Record<string, number>>;
  /** Frames that ledgers of ended sessions were off by; other than 0 is a bug of ours. */
  readonly ledgerErrors: number;
  /** The mirror of the kernel's neighbours and routes; null until a client has asked for it. */
  readonly stack: StackStats | null;
  readonly queues: readonly QueueStats[];
  readonly taps: readonly TapStats[];
}

const clamp = (value: number, max: number): number => Math.min(Math.max(value, 0), max);

function frameLedger(view: DataView, session: ClientSession): FrameLedger {
  const record = sessionRecord(session.slot);
  const cursor = (offset: number): number => view.getUint32(record + offset, true);
  const total = session.credit;
  const free = session.lending
    ? total - cursor(T.SESSION_HELD)
    : (cursor(T.SESSION_FREE_TAIL) - cursor(T.SESSION_FREE_HEAD)) >>> 0;
  const consumer = view.getUint32(session.clientRegion.offset + layout.RX_CONSUMER, true);
  const held = clamp(total - free, total);
  const inRing = clamp(
    (cursor(T.SESSION_RX_PUBLISHED) - consumer) | 0,
    Math.min(session.shape.ringSize, held),
  );
  return { total, free: total - held, inRing, client: held - inRing };
}

function txWaiting(view: DataView, { slot, clientRegion, shape }: ClientSession): number {
  const consumer = view.getUint32(sessionRecord(slot) + T.SESSION_TX_CONSUMER, true);
  const producer = view.getUint32(clientRegion.offset + layout.TX_PRODUCER, true);
  return clamp((producer - consumer) | 0, shape.ringSize);
}

function clientStats(view: DataView, session: ClientSession): ClientStats {
  return {
    session: session.id,
    pid: session.identity.pid,
    uid: session.identity.uid,
    trusted: session.trusted,
    attachedSeconds: (Date.now() - session.since) / 1000,
    pageSize: session.dispatcherRegion.pageSize,
    counters: readSessionCounters(view, session.dispatcherRegion.offset),
    backPressure: view.getUint32(session.clientRegion.offset + layout.CLIENT_BACK_PRESSURE, true),
    frames: frameLedger(view, session),
    txWaiting: txWaiting(view, session),
    txSize: session.shape.ringSize,
  };
}

function queueLatency(view: DataView, queue: Queue, rxTimes: boolean): QueueLatency {
  const { device, dispatch } = readStages(view, queue.index);
  const pickup = queue.pickups(queue.session && pickupsOf(view, queue.session));
  return { device: rxTimes ? device : null, dispatch, pickup };
}

function queueStats(view: DataView, queue: Queue, latency: QueueLatency | null): QueueStats {
  const { name, mode, match, priority } = queue.config;
  const client = queue.session ? clientStats(view, queue.session) : null;
  return {
    name,
    mode,
    match,
    priority,
    client,
    totals: queue.totals(client?.counters),
    dropNoClient: readCounter(view, queueRecord(queue.index) + T.QUEUE_NO_CLIENT),
    violations: queue.violations,
    latency,
  };
}

function tapStats(view: DataView, { wish, session }: PacketTap): TapStats[] {
  if (!session) return [];
  const region = session.dispatcherRegion.offset;
  const { rxPackets, rxDropRingFull, rxDropNoFrame } = readSessionCounters(view, region);
  return [
    {
      queue: wish.queue?.config.name ?? null,
      pid: session.identity.pid,
      uid: session.identity.uid,
      captured: rxPackets,
      tooSlow: rxDropRingFull + rxDropNoFrame,
      skipped: readCounter(view, region + layout.COUNTERS + layout.COUNTER_TAP_SKIPPED * 8),
    },
  ];
}

/** All that a dispatcher counts, read from outside the poll loop, which is not disturbed. */
export function collectStats(options: {
  memory: WebAssembly.Memory;
  conductor: Conductor;
  device: OpenDevice;
  deviceCounters: DeviceStats;
  refusals: Readonly<Record<string, number>>;
  since: number;
  /** Microseconds between latency samples; 0: none are taken. */
  sampleInterval: number;
}): DispatcherStats {
  const { conductor, device, sampleInterval } = options;
  const view = new DataView(options.memory.buffer);
  const { mac, ...info } = device.info;
  return {
    pid: process.pid,
    uptimeSeconds: (Date.now() - options.since) / 1000,
    device: {
      ...info,
      mac: formatMac(mac),
      rules: device.coverage,
      ...(device.exceptionInterface !== undefined && { exceptionInterface: device.exceptionInterface }),
    },
    deviceCounters: options.deviceCounters,
    plane: readPlaneCounters(view),
    memory: { budget: conductor.budget.limit, used: conductor.budget.used },
    latency:
      sampleInterval > 0
        ? { intervalMicroseconds: sampleInterval, boundsSeconds: LATENCY_BOUNDS_SECONDS }
        : null,
    refusals: options.refusals,
    ledgerErrors: conductor.ledgerErrors,
    stack: conductor.stack.stats(),
    taps: conductor.taps.standing.flatMap((tap) => tapStats(view, tap)),
    queues: conductor.queues.map((queue) =>
      queueStats(view, queue, sampleInterval > 0 ? queueLatency(view, queue, device.rxTimes) : null),
    ),
  };
}
