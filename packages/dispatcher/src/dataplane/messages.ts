import type { DeviceInfo, DeviceOptions, DeviceStats, RuleCoverage } from '@nicshare/driver';
import type { HugepagePolicy, IdleOptions, PlainError, SessionShape } from '@nicshare/shm';
import type { TapSettings } from './exception-path.js';
import type { FilterProgram } from './filter-program.js';
import type { QueueMatch } from './rule-table.js';

/** What a dataplane thread is started with. */
export interface DataplaneSettings {
  readonly memory: WebAssembly.Memory;
  /** The part of the arena that the device's memory is taken from. */
  readonly deviceRange: { readonly start: number; readonly end: number };
  readonly device: DeviceOptions;
  readonly frameSize: number;
  readonly deviceRingSize: number;
  /** RX frames of each hardware ring that may stay out with clients of mode `shared`; 0: there is no such queue. */
  readonly spareFrames: number;
  readonly hugepages: HugepagePolicy;
  readonly idle: IdleOptions;
  /** Least time between two wakeups of one client, in microseconds; what interrupt moderation is to a NIC. */
  readonly wakeupInterval: number;
  readonly hold: boolean;
  /** Microseconds between two latency samples of a session, at least; 0: none are taken. */
  readonly sampleInterval: number;
  /** How many queues must have a client before the device is started. */
  readonly startAt: number;
  readonly unmatched: 'pass' | 'drop' | 'tap';
  /** Where unmatched is `tap`. */
  readonly tap: TapSettings | undefined;
  /** By priority, the first first. */
  readonly matches: readonly QueueMatch[];
  /** The thread's end of the socket pair by which the Conductor wakes it. */
  readonly controlFd: number;
  /** One u32, raised by the Conductor with each command. */
  readonly commandCount: Int32Array;
}

/** What a session of mode `shared` may hold of the device's frames. */
export interface Lending {
  /** Arena offset of the device's regions, and bytes from there to their end. */
  readonly window: number;
  readonly windowBytes: number;
  /** Frames. */
  readonly credit: number;
}

/** A region of the device, with a read-only descriptor that belongs to who is told of it. */
export interface SharedRegion {
  readonly fd: number;
  /** In the arena. */
  readonly offset: number;
  readonly bytes: number;
}

/** A session as the dataplane needs it. Offsets are the arena's. */
export interface SessionPlacement {
  readonly slot: number;
  readonly queue: number;
  readonly shape: SessionShape;
  readonly dispatcherRegion: number;
  readonly clientRegion: number;
  /** Zeroed memory for the record of free and held frames: see ledgerBytes. */
  readonly ledger: number;
  /** Of a session of mode `shared`. */
  readonly lending: Lending | undefined;
  readonly wakeFd: number;
}

/** A packet tap: a session that gets copies of what others get and send. */
export interface TapPlacement extends Omit<SessionPlacement, 'queue'> {
  /** Which of the taps it is, from 0 on. */
  readonly index: number;
  /** The queue whose packets it wants; null: those of the whole device. */
  readonly queue: number | null;
  /** Bytes of each packet at most; with the record before them they fit a frame. */
  readonly snaplen: number;
  /** A checked program; empty: all packets are wanted. */
  readonly filter: FilterProgram;
}

export type Command =
  | { readonly type: 'attach'; readonly session: SessionPlacement }
  | { readonly type: 'tap'; readonly session: TapPlacement }
  | { readonly type: 'detach'; readonly slot: number }
  | { readonly type: 'stats'; readonly id: number }
  | { readonly type: 'stopReceiving'; readonly id: number }
  | { readonly type: 'stop' };

export type Report =
  | {
      readonly type: 'ready';
      readonly info: DeviceInfo;
      readonly coverage: RuleCoverage;
      /** How to reach the far side of a device that has one in this process (the fake one). */
      readonly wire: unknown;
      /** The kernel's interface that gets what no queue takes. */
      readonly exceptionInterface: string | undefined;
      /** Whether the device tells when packets came. */
      readonly rxTimes: boolean;
      /** What clients of mode `shared` map; empty where there is no such queue. */
      readonly sharedRegions: readonly SharedRegion[];
    }
  | { readonly type: 'attached'; readonly slot: number }
  /** `ledger`: frames that are neither free nor held, or both; 0 unless we have a bug. */
  | { readonly type: 'detached'; readonly slot: number; readonly ledger: number }
  | { readonly type: 'violation'; readonly slot: number; readonly violation: number }
  | { readonly type: 'stats'; readonly id: number; readonly device: DeviceStats }
  /** `stopped` is false for a device that cannot be. */
  | { readonly type: 'receivingStopped'; readonly id: number; readonly stopped: boolean }
  | { readonly type: 'note'; readonly line: string }
  /** The device could not be opened or died; the thread ends. */
  | { readonly type: 'failed'; readonly error: PlainError }
  | { readonly type: 'stopped' };
