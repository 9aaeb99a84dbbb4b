import { layout, type SessionShape } from '@nicshare/shm';
import type { Lending, SessionPlacement } from './messages.js';
import { queueRecord } from './rule-table.js';
import * as T from './tables.js';

/** Bytes of private memory that the record of free and held frames takes. */
export const ledgerBytes = ({ rxFrames, frameSize }: SessionShape, lending: Lending | undefined): number =>
  lending ? lending.windowBytes / frameSize : rxFrames * 5;

export const sessionRecord = (slot: number): number => T.SESSIONS + slot * T.SESSION_BYTES;

/** Where the histograms of a queue's stages stand. */
export const queueLatencies = (queue: number): number => T.LATENCIES + queue * T.LATENCY_BYTES;

/** Writes a session's record: no frame held, all cursors at 0. Returns the record's offset. */
export function writeSession(
  memory: WebAssembly.Memory,
  placement: SessionPlacement,
  device: { txQueues: number; maxPacket: number },
): number {
  const { slot, shape, dispatcherRegion, clientRegion, ledger, lending } = placement;
  const record = sessionRecord(slot);
  new Uint8Array(memory.buffer, record, T.SESSION_BYTES).fill(0);
  const view = new DataView(memory.buffer, record, T.SESSION_BYTES);
  const set = (offset: number, value: number): void => view.setUint32(offset, value, true);
  set(T.SESSION_SLOT, slot);
  set(T.SESSION_QUEUE, queueRecord(placement.queue));
  set(T.SESSION_LATENCIES, queueLatencies(placement.queue));
  set(T.SESSION_TX_QUEUE, slot % device.txQueues);
  set(T.SESSION_MAX_PACKET, device.maxPacket);
  set(T.SESSION_DISPATCHER_REGION, dispatcherRegion);
  set(T.SESSION_CLIENT_REGION, clientRegion);
  set(T.SESSION_RING_SIZE, shape.ringSize);
  set(T.SESSION_FRAME_SHIFT, Math.log2(shape.frameSize));
  set(T.SESSION_RX_FRAMES_COUNT, shape.rxFrames);
  set(T.SESSION_TX_FRAMES_COUNT, shape.txFrames);
  set(T.SESSION_RX_DESCRIPTORS, dispatcherRegion + shape.rxDescriptors);
  set(T.SESSION_COMPLETION_ENTRIES, dispatcherRegion + shape.completionEntries);
  set(T.SESSION_RX_FRAMES_OFFSET, shape.rxFramesOffset);
  set(T.SESSION_FILL_ENTRIES, clientRegion + shape.fillEntries);
  set(T.SESSION_TX_DESCRIPTORS, clientRegion + shape.txDescriptors);
  set(T.SESSION_TX_FRAMES_OFFSET, shape.txFramesOffset);
  if (lending) {
    set(T.SESSION_WINDOW, lending.window);
    set(T.SESSION_WINDOW_FRAMES, lending.windowBytes / shape.frameSize);
    set(T.SESSION_CREDIT, lending.credit);
    set(T.SESSION_HOLDERS, ledger);
  } else {
    set(T.SESSION_CREDIT, shape.rxFrames);
    set(T.SESSION_FREE_FRAMES, ledger);
    set(T.SESSION_HOLDERS, ledger + shape.rxFrames * layout.ENTRY_SIZE);
    set(T.SESSION_FREE_TAIL, shape.rxFrames);
    const free = new Uint32Array(memory.buffer, ledger, shape.rxFrames);
    for (let index = 0; index < shape.rxFrames; index++) free[index] = index;
  }
  return record;
}
