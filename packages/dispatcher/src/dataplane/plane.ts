import { readFileSync } from 'node:fs';
import type { FastPath } from '@nicshare/driver';
import { monotonicClock } from '@nicshare/shm';
import { addressOf, CLOCK_REALTIME, libc } from '@nicshare/shm/sys';
import * as T from './tables.js';

/** The steps of the poll loop, as the dataplane module exports them. Records are arena offsets. */
export interface Plane {
  /** Device to rxRings; returns packets taken. */
  receive(): number;
  /** fillRings to free frames; returns frames. */
  reclaim(): number;
  /** txRings to device; returns packets. */
  transmit(): number;
  /** Whether `transmit` would find work: PENDING_* of the tables. */
  pendingTransmit(): number;
  /** From the kernel to the device; returns packets. */
  sendForKernel(): number;
  announceSleep(epoch: number): void;
  /** Frames of a session that are neither free nor held, or both. */
  audit(session: number): number;
  /** Gives the device all frames that an ended session's client holds (mode `shared`); returns how many. */
  takeAllBack(session: number): number;
  /** Index of the queue that a packet at an arena offset would go to, or -1. */
  classifyPacket(packet: number, length: number): number;
  /** Whether a packet at an arena offset fits a checked filter of `count` instructions that stands at `program`: 0, 1. */
  runFilter(program: number, count: number, packet: number, length: number): number;
}

/** What the plane calls to hand packets to the kernel and take some from it, as assembly/exception.ts says. */
export interface KernelCalls {
  write(queue: number, packet: number, length: number): number;
  read(queue: number, frame: number, capacity: number): number;
}

/** Where there is no exception path nothing calls them. */
const NO_KERNEL: KernelCalls = { write: () => T.KERNEL_GONE, read: () => 0 };

const WASM = new URL('../dataplane.wasm', import.meta.url);

/** Builds the dataplane module over the arena's memory, with the device's fast path and the kernel's linked in. */
export function loadPlane(
  memory: WebAssembly.Memory,
  device: FastPath,
  { write, read }: KernelCalls = NO_KERNEL,
): Plane {
  const abort = (): never => {
    throw new Error('The dataplane module aborted.');
  };
  const timespec = addressOf(new Uint8Array(memory.buffer)) + T.TAP_COMMON + T.TAP_TIMESPEC;
  const imports = {
    env: { memory, abort, clock: monotonicClock() },
    device: { ...bindFastPath(device) },
    kernel: { write, read },
    clock: { read: () => libc.clockGettime(CLOCK_REALTIME, timespec) },
  };
  const instance = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(WASM)), imports);
  return instance.exports as unknown as Plane;
}

/** Exports of another module are linked as they are; methods of a TypeScript device need their object. */
function bindFastPath(device: FastPath): Required<FastPath> {
  const { rxBurst, rxRelease, txReserve, txBurst, rxTime = tellsNoTime } = device;
  const bind = <F extends (...args: never[]) => unknown>(f: F): F =>
    isWasmExport(f) ? f : (f.bind(device) as F);
  return {
    rxBurst: bind(rxBurst),
    rxRelease: bind(rxRelease),
    txReserve: bind(txReserve),
    txBurst: bind(txBurst),
    rxTime: bind(rxTime),
  };
}

const tellsNoTime = (): number => 0;

/** Exported WebAssembly functions are named by their index (WebAssembly JavaScript Interface, 5.6). */
const isWasmExport = (f: { readonly name: string }): boolean => /^\d+$/.test(f.name);

/** Whole-plane counters, packets unless said otherwise. */
export interface PlaneCounters {
  readonly received: number;
  readonly receivedBytes: number;
  /** Taken from the kernel although no queue wanted them, and so lost. */
  readonly notPassed: number;
  readonly unmatchedDropped: number;
  readonly sent: number;
  /** Of those received, given to the kernel, and of those sent, taken from it. */
  readonly exceptionToKernel: number;
  readonly exceptionFromKernel: number;
  /** Lost on the way to the kernel, or from it (`runt`, `oversized`), by reason. */
  readonly exceptionDropped: Readonly<Record<ExceptionDrop, number>>;
}

/**
 * To the kernel: it had no memory for the packet, its interface is down or was removed, or it takes no such packet.
 * From the kernel: shorter than an Ethernet header, or longer than the device sends.
 */
export type ExceptionDrop = 'full' | 'down' | 'gone' | 'refused' | 'runt' | 'oversized';

export function readPlaneCounters(view: DataView): PlaneCounters {
  const read = (offset: number): number => Number(view.getBigUint64(T.PLANE + offset, true));
  const outcome = (number: number): number => read(T.PLANE_KERNEL_OUTCOMES + number * 8);
  return {
    received: read(T.PLANE_RECEIVED),
    receivedBytes: read(T.PLANE_RECEIVED_BYTES),
    notPassed: read(T.PLANE_NOT_PASSED),
    unmatchedDropped: read(T.PLANE_UNMATCHED_DROPPED),
    sent: read(T.PLANE_SENT),
    exceptionToKernel: outcome(T.KERNEL_TOOK),
    exceptionFromKernel: read(T.PLANE_FROM_KERNEL),
    exceptionDropped: {
      full: outcome(T.KERNEL_FULL),
      down: outcome(T.KERNEL_DOWN),
      gone: outcome(T.KERNEL_GONE),
      refused: outcome(T.KERNEL_REFUSED),
      runt: outcome(T.KERNEL_RUNT),
      oversized: outcome(T.KERNEL_OVERSIZED),
    },
  };
}
