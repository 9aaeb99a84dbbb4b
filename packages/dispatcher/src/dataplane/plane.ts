import { readFileSync } from 'node:fs';
import type { FastPath } from '@nicshare/driver';
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
  announceSleep(epoch: number): void;
  /** Frames of a session that are neither free nor held, or both. */
  audit(session: number): number;
  /** Index of the queue that a packet at an arena offset would go to, or -1. */
  classifyPacket(packet: number, length: number): number;
}

const WASM = new URL('../dataplane.wasm', import.meta.url);

/** Builds the dataplane module over the arena's memory, with the device's fast path linked in. */
export function loadPlane(memory: WebAssembly.Memory, device: FastPath): Plane {
  const abort = (): never => {
    throw new Error('The dataplane module aborted.');
  };
  const timespec = addressOf(new Uint8Array(memory.buffer)) + T.TAP_COMMON + T.TAP_TIMESPEC;
  const imports = {
    env: { memory, abort },
    device: { ...bindFastPath(device) },
    clock: { read: () => libc.clockGettime(CLOCK_REALTIME, timespec) },
  };
  const instance = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(WASM)), imports);
  return instance.exports as unknown as Plane;
}

/** Exports of another module are linked as they are; methods of a TypeScript device need their object. */
function bindFastPath(device: FastPath): FastPath {
  const { rxBurst, rxRelease, txReserve, txBurst } = device;
  const bind = <F extends (...args: never[]) => unknown>(f: F): F =>
    isWasmExport(f) ? f : (f.bind(device) as F);
  return {
    rxBurst: bind(rxBurst),
    rxRelease: bind(rxRelease),
    txReserve: bind(txReserve),
    txBurst: bind(txBurst),
  };
}

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
}

export function readPlaneCounters(view: DataView): PlaneCounters {
  const read = (offset: number): number => Number(view.getBigUint64(T.PLANE + offset, true));
  return {
    received: read(T.PLANE_RECEIVED),
    receivedBytes: read(T.PLANE_RECEIVED_BYTES),
    notPassed: read(T.PLANE_NOT_PASSED),
    unmatchedDropped: read(T.PLANE_UNMATCHED_DROPPED),
    sent: read(T.PLANE_SENT),
  };
}
