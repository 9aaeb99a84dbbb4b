import type { Arena, HugepagePolicy, Region } from '@nicshare/shm';
import type { RuleCoverage, RuleSet } from './rules.js';

/**
 * The calls of a device that run per burst. All arguments are unsigned 32-bit integers; a batch is the arena offset
 * of an array of entries (tables.ts): a frame's arena offset and its packet's length. Nothing here blocks or throws.
 * They are either exports of a WebAssembly module over the arena's memory or plain functions.
 *
 * A device believes its hardware nothing that it can check: a descriptor is handed over only where it names a frame that
 * the hardware holds and a length from 1 byte to the end of that frame. What is wrong is dropped and counted. That lies
 * with the driver, which alone knows who holds a frame; its callers read what they are handed without another look.
 * (The kernel's word, by AF_XDP, is taken.)
 */
export interface FastPath {
  /** Takes up to `max` packets of an RxQueue: fills the batch, returns the count. The frames are the caller's. */
  rxBurst(queue: number, batch: number, max: number): number;
  /** Gives the frames of a batch's first `count` entries back. Any byte offset within the frame names it. */
  rxRelease(queue: number, batch: number, count: number): void;
  /**
   * Names up to `max` free frames of a TxQueue in the batch and returns their count. It takes nothing yet: the next
   * call names the same frames until `txBurst` submits them.
   */
  txReserve(queue: number, batch: number, max: number): number;
  /** Sends the frames of the first `count` entries, as `txReserve` named them, with the lengths set in the entries. */
  txBurst(queue: number, batch: number, count: number): void;
  /**
   * When the packet of the batch entry at an arena offset came to the device: nanoseconds of CLOCK_MONOTONIC, 0 where
   * that is not known. To be asked before the frame is given back; now and then, for it may be slow. Left out by a
   * device that knows no times, or was not opened to tell them.
   */
  rxTime?(queue: number, entry: number): number;
}

export interface DeviceInfo {
  readonly driver: string;
  /** The kernel's name of the interface; the driver's own where there is none. */
  readonly interface: string;
  /** Six bytes. */
  readonly mac: Uint8Array;
  readonly rxQueues: number;
  readonly txQueues: number;
  /** Longest packet that it sends, Ethernet header included, in bytes. */
  readonly maxPacket: number;
  /** How it works, in words: 'native, copy'. */
  readonly mode: string;
}

/** One hardware ring in both directions: how full it is now, and what went through it. */
export interface RingStats {
  readonly rxSize: number;
  /** Packets that wait for rxBurst. */
  readonly rxWaiting: number;
  /** Frames that the device has to receive into. */
  readonly rxFree: number;
  /** Taken by rxBurst since the device was opened, modulo 2^32. */
  readonly rxPackets: number;
  /** 0 where it only receives. */
  readonly txSize: number;
  /** Packets that wait to be sent. */
  readonly txWaiting: number;
  /** Taken for sending since the device was opened, modulo 2^32. */
  readonly txPackets: number;
}

/** Counted by the device since it was opened, all queues together. */
export interface DeviceStats {
  /** Whether it has a carrier; left out by a device without a cable. */
  readonly link?: 'up' | 'down';
  /** Packets that reached us and were lost before rxBurst, by reason. */
  readonly rxDropped: Readonly<Record<string, number>>;
  readonly txDropped: Readonly<Record<string, number>>;
  /** The hardware rings, from the first on; left out by a device without any. */
  readonly rings?: readonly RingStats[];
}

/** A network device. It lives in the thread that polls it; `fastPath` alone is called per burst. */
export interface Device {
  readonly info: DeviceInfo;
  readonly fastPath: FastPath;
  /**
   * The sealed memory that all its RX frames lie in, each at a multiple of the frame size from the region's start; TX
   * frames and rings may lie there too. Clients of mode `shared` map it read-only. Empty where nothing can be shared.
   */
  readonly rxRegions: readonly Region[];
  /** Descriptors that become readable when a packet has come and `prepareSleep` was called before. */
  readonly waitDescriptors: readonly number[];
  /** Asks for a wakeup by the wait descriptors; returns false where packets wait already, so that nobody may sleep. */
  prepareSleep(): boolean;
  /** To be called after a sleep: takes back what prepareSleep asked for. */
  endSleep(): void;
  /**
   * Work that is due and is no packet (a doorbell that the kernel refused for now); returns how much was done.
   * Throws NicshareError InterfaceLost or DeviceFailed where the device is dead.
   */
  maintain(): number;
  /**
   * Lets packets come; none is handed over before, and nothing wakes a sleeper. Left out by a device that does not
   * decide when its packets come. Idempotent.
   */
  start?(): void;
  /** Lets no more packets come, for good; sending goes on. */
  stop?(): void;
  /** Replaces the rules at once, for every packet the old or the new ones. */
  setRules(rules: RuleSet): RuleCoverage;
  stats(): DeviceStats;
  /** Leaves the hardware as it was found. Idempotent. */
  close(): void;
}

export interface DeviceContext {
  /** Where the device puts its frames and rings; its alone. */
  readonly arena: Arena;
  /** Bytes of a frame; a power of two. */
  readonly frameSize: number;
  /** Descriptors of each hardware ring; a power of two. */
  readonly ringSize: number;
  /** RX frames of each hardware ring beyond what its rings need: so many may stay out for long. Default 0. */
  readonly spareFrames?: number | undefined;
  readonly hugepages: HugepagePolicy;
  /** Packets shall carry the time at which they came, where the device can tell it; see FastPath.rxTime. */
  readonly rxTimes?: boolean;
  /** Takes a line for the operator (a fallback that was taken, and how to avoid it). */
  readonly note: (line: string) => void;
}
