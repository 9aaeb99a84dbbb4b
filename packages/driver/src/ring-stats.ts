import type { RingCursors } from '@nicshare/shm';
import type { RingStats } from './device.js';

/** The rings of one hardware ring's two directions; cursors are indices of u32 cells. */
export interface RingSet {
  readonly rx: RingCursors;
  readonly fill: RingCursors;
  /** Missing where it only receives. */
  readonly tx?: RingCursors | undefined;
}

const load = (cells: Int32Array, cell: number): number => Atomics.load(cells, cell) >>> 0;

const level = (cells: Int32Array, { producer, consumer }: RingCursors): number =>
  (load(cells, producer) - load(cells, consumer)) >>> 0;

/** Reads a hardware ring's levels from its cursors. */
export const readRingStats = (cells: Int32Array, { rx, fill, tx }: RingSet): RingStats => ({
  rxSize: rx.size,
  rxWaiting: level(cells, rx),
  rxFree: level(cells, fill),
  rxPackets: load(cells, rx.consumer),
  txSize: tx?.size ?? 0,
  txWaiting: tx ? level(cells, tx) : 0,
  txPackets: tx ? load(cells, tx.consumer) : 0,
});
