import * as L from './layout.js';

/** A session's counters as its dispatcher keeps them. */
export interface SessionCounters {
  /** Packets that were put into its rxRing. */
  readonly rxPackets: number;
  readonly rxBytes: number;
  /** Packets lost because its rxRing was full. */
  readonly rxDropRingFull: number;
  /** Packets lost because it held all of its RX frames. */
  readonly rxDropNoFrame: number;
  /** Packets lost because they were longer than its frames. */
  readonly rxDropOversized: number;
  /** Mode `shared`: the client held as many frames as its credit allows. */
  readonly rxDropNoCredit: number;
  /** Packets of its own that went to the device. */
  readonly txPackets: number;
  readonly txBytes: number;
  /** Packets of its own that were refused because they were shorter than an Ethernet header. */
  readonly txDropRunt: number;
  /** Packets of its own that were refused because they were longer than the device sends. */
  readonly txDropOversized: number;
  /** Turns in which its packets had to wait because the device had no room. */
  readonly txDeviceFull: number;
  /** Times that it was woken. */
  readonly wakeups: number;
  /** Times that it could not be woken because it had not taken earlier wake-ups. */
  readonly wakeupsRefused: number;
  /** Times that it woke the dispatcher. */
  readonly doorbells: number;
}

const CELLS: readonly (readonly [keyof SessionCounters, number])[] = [
  ['rxPackets', L.COUNTER_RX_PACKETS],
  ['rxBytes', L.COUNTER_RX_BYTES],
  ['rxDropRingFull', L.COUNTER_RX_DROP_RING_FULL],
  ['rxDropNoFrame', L.COUNTER_RX_DROP_NO_FRAME],
  ['rxDropOversized', L.COUNTER_RX_DROP_OVERSIZED],
  ['rxDropNoCredit', L.COUNTER_RX_DROP_NO_CREDIT],
  ['txPackets', L.COUNTER_TX_PACKETS],
  ['txBytes', L.COUNTER_TX_BYTES],
  ['txDropRunt', L.COUNTER_TX_DROP_RUNT],
  ['txDropOversized', L.COUNTER_TX_DROP_OVERSIZED],
  ['txDeviceFull', L.COUNTER_TX_DEVICE_FULL],
  ['wakeups', L.COUNTER_WAKEUPS],
  ['wakeupsRefused', L.COUNTER_WAKEUPS_REFUSED],
  ['doorbells', L.COUNTER_DOORBELLS],
];

/** Reads a u64 counter as a number; exact up to 2^53. */
export function readCounter(memory: DataView, offset: number): number {
  return Number(memory.getBigUint64(offset, true));
}

/** Reads the counters of the dispatcher region that starts at `region`. Safe from any process that maps it. */
export function readSessionCounters(memory: DataView, region: number): SessionCounters {
  const counters: Partial<Record<keyof SessionCounters, number>> = {};
  for (const [name, index] of CELLS) counters[name] = readCounter(memory, region + L.COUNTERS + index * 8);
  return counters as SessionCounters;
}

/** Adds two sessions' counters up. */
export function sumCounters(a: SessionCounters, b: SessionCounters): SessionCounters {
  return Object.fromEntries(CELLS.map(([name]) => [name, a[name] + b[name]])) as unknown as SessionCounters;
}

export const NO_COUNTERS = Object.fromEntries(CELLS.map(([name]) => [name, 0])) as unknown as SessionCounters;

/** Packets lost on the way to the client, all reasons together. */
export const rxDrops = (c: SessionCounters): number =>
  c.rxDropRingFull + c.rxDropNoFrame + c.rxDropOversized + c.rxDropNoCredit;
/** Packets of the client that were refused, all reasons together. */
export const txDrops = (c: SessionCounters): number => c.txDropRunt + c.txDropOversized;
