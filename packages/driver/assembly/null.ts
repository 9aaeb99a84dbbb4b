/*
 * The fast path of the null device: receives prepared frames round and round, sends to nowhere. State stands in the
 * pool table (src/null/pool-table.ts). The device has one RxQueue and one TxQueue.
 */
import { BATCH_LENGTH, BATCH_OFFSET, BATCH_SHIFT, DRIVER_TABLES } from '../src/tables';
import {
  DISCARDED,
  FRAME_SHIFT,
  RX_CURSOR,
  RX_LENGTH,
  RX_MASK,
  RX_POOL,
  TX_CURSOR,
  TX_MASK,
  TX_POOL,
} from '../src/null/pool-table';

export function nullRxBurst(queue: u32, batch: u32, max: u32): u32 {
  const pool = load<u32>(DRIVER_TABLES, RX_POOL);
  const mask = load<u32>(DRIVER_TABLES, RX_MASK);
  const shift = load<u32>(DRIVER_TABLES, FRAME_SHIFT);
  const length = load<u32>(DRIVER_TABLES, RX_LENGTH);
  const cursor = load<u32>(DRIVER_TABLES, RX_CURSOR);
  for (let i: u32 = 0; i < max; i++) {
    const entry = batch + (i << BATCH_SHIFT);
    store<u32>(entry, pool + (((cursor + i) & mask) << shift), BATCH_OFFSET);
    store<u32>(entry, length, BATCH_LENGTH);
  }
  store<u32>(DRIVER_TABLES, cursor + max, RX_CURSOR);
  return max;
}

/** A frame is handed out again when its turn comes, given back or not. */
export function nullRxRelease(queue: u32, batch: u32, count: u32): void {}

export function nullTxReserve(queue: u32, batch: u32, max: u32): u32 {
  const pool = load<u32>(DRIVER_TABLES, TX_POOL);
  const mask = load<u32>(DRIVER_TABLES, TX_MASK);
  const shift = load<u32>(DRIVER_TABLES, FRAME_SHIFT);
  const cursor = load<u32>(DRIVER_TABLES, TX_CURSOR);
  const count = min(max, mask + 1);
  for (let i: u32 = 0; i < count; i++)
    store<u32>(batch + (i << BATCH_SHIFT), pool + (((cursor + i) & mask) << shift), BATCH_OFFSET);
  return count;
}

export function nullTxBurst(queue: u32, batch: u32, count: u32): void {
  store<u32>(DRIVER_TABLES, load<u32>(DRIVER_TABLES, TX_CURSOR) + count, TX_CURSOR);
  store<u64>(DRIVER_TABLES, load<u64>(DRIVER_TABLES, DISCARDED) + count, DISCARDED);
}
