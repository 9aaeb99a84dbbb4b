import type { Arena } from '@nicshare/shm';
import { DRIVER_TABLES } from '../tables.js';
import * as Q from './queue-table.js';
import type { XdpSocket } from './socket.js';

/**
 * Writes the table that the fast path works from (queue-table.ts), one entry for each socket, and makes the stacks
 * of free TX frames. Returns what gives their memory back.
 */
export function writeQueueEntries(arena: Arena, sockets: readonly XdpSocket[]): () => void {
  const stackBytes = sockets.map((socket) => socket.shape.txFrames * 4);
  const stacks = arena.allocate(stackBytes.reduce((sum, bytes) => sum + bytes, 0));
  let stack = stacks;
  sockets.forEach((socket, queue) => {
    writeEntry(arena, DRIVER_TABLES + (queue << Q.QUEUE_SHIFT), socket, stack);
    stack += stackBytes[queue]!;
  });
  return () => arena.release(stacks);
}

function writeEntry(arena: Arena, entry: number, socket: XdpSocket, stack: number): void {
  const { umem, shape, rx, tx, fill, completion } = socket;
  const { buffer } = arena.memory;
  const cells = new Uint32Array(buffer, entry, Q.QUEUE_ENTRY_END / 4).fill(0);
  const set = (cell: number, value: number): void => {
    cells[cell / 4] = value;
  };
  set(Q.UMEM, umem.offset);
  set(Q.FRAME_MASK, shape.frameSize - 1);

  set(Q.RX_PRODUCER_AT, rx.producer);
  set(Q.RX_CONSUMER_AT, rx.consumer);
  set(Q.RX_DESCRIPTORS, rx.entries);
  set(Q.RX_MASK, rx.size - 1);

  set(Q.FILL_PRODUCER_AT, fill.producer);
  set(Q.FILL_FLAGS_AT, fill.flags);
  set(Q.FILL_ENTRIES, fill.entries);
  set(Q.FILL_MASK, fill.size - 1);
  set(Q.FILL_CURSOR, shape.rxFrames);

  if (!tx) return;
  set(Q.TX_FRAMES, shape.txFrames);
  set(Q.TX_FREE, shape.txFrames);
  set(Q.TX_STACK, stack);
  const free = new Uint32Array(buffer, stack, shape.txFrames);
  for (let i = 0; i < free.length; i++) free[i] = (shape.rxFrames + i) * shape.frameSize;

  set(Q.TX_PRODUCER_AT, tx.producer);
  set(Q.TX_CONSUMER_AT, tx.consumer);
  set(Q.TX_FLAGS_AT, tx.flags);
  set(Q.TX_DESCRIPTORS, tx.entries);
  set(Q.TX_MASK, tx.size - 1);

  set(Q.COMPLETION_PRODUCER_AT, completion.producer);
  set(Q.COMPLETION_CONSUMER_AT, completion.consumer);
  set(Q.COMPLETION_ENTRIES, completion.entries);
  set(Q.COMPLETION_MASK, completion.size - 1);
}
