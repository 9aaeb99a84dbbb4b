/*
 * The fast path of the pcap device: receives the packets of a capture, each when it is due, and keeps what is sent
 * for the recording. State stands in the replay table (src/pcap/replay-table.ts). One RxQueue and one TxQueue.
 */
import { BATCH_LENGTH, BATCH_OFFSET, BATCH_SHIFT, DRIVER_TABLES } from '../src/tables';
import {
  BURST_CURSOR,
  BURST_PASS_START,
  DISCARDED,
  ENDLESS,
  FRAME_SHIFT,
  PACED,
  PASS_PERIOD,
  PASS_START,
  PASSES_LEFT,
  RECORDS,
  RX_CURSOR,
  RX_DUE,
  RX_ENTRIES,
  RX_PACKETS,
  STARTED,
  TX_CURSOR,
  TX_LENGTHS,
  TX_MASK,
  TX_POOL,
  TX_RECORDED,
} from '../src/pcap/replay-table';

/** Nanoseconds since whenever. */
@external("env", "clock")
declare function clock(): f64;

export function pcapRxBurst(queue: u32, batch: u32, max: u32): u32 {
  if (!load<u32>(DRIVER_TABLES, PASSES_LEFT)) return 0;
  const paced = load<u32>(DRIVER_TABLES, PACED) != 0;
  const now: f64 = paced ? timeOfBurst() : 0;
  const entries = load<u32>(DRIVER_TABLES, RX_ENTRIES);
  const packets = load<u32>(DRIVER_TABLES, RX_PACKETS);
  let cursor = load<u32>(DRIVER_TABLES, RX_CURSOR);
  let count: u32 = 0;
  while (count < max) {
    let run = min(packets - cursor, max - count);
    if (paced) run = dueOf(cursor, run, now);
    if (!run) break;
    memory.copy(batch + (count << BATCH_SHIFT), entries + (cursor << BATCH_SHIFT), run << BATCH_SHIFT);
    count += run;
    cursor += run;
    if (cursor < packets) continue;
    cursor = 0;
    if (!beginPass()) break;
  }
  store<u32>(DRIVER_TABLES, cursor, RX_CURSOR);
  return count;
}

function timeOfBurst(): f64 {
  const now = clock();
  if (!load<u32>(DRIVER_TABLES, STARTED)) {
    store<u32>(DRIVER_TABLES, 1, STARTED);
    store<f64>(DRIVER_TABLES, now, PASS_START);
  }
  store<f64>(DRIVER_TABLES, load<f64>(DRIVER_TABLES, PASS_START), BURST_PASS_START);
  store<u32>(DRIVER_TABLES, load<u32>(DRIVER_TABLES, RX_CURSOR), BURST_CURSOR);
  return now;
}

/** How many of the next `run` packets are due. */
// @ts-ignore: decorator
@inline
function dueOf(cursor: u32, run: u32, now: f64): u32 {
  const elapsed = now - load<f64>(DRIVER_TABLES, PASS_START);
  const due = load<u32>(DRIVER_TABLES, RX_DUE) + (cursor << 3);
  let count: u32 = 0;
  while (count < run && load<f64>(due + (count << 3)) <= elapsed) count++;
  return count;
}

/** Returns whether there is one more. */
function beginPass(): bool {
  const left = load<u32>(DRIVER_TABLES, PASSES_LEFT) - (load<u32>(DRIVER_TABLES, ENDLESS) ? 0 : 1);
  store<u32>(DRIVER_TABLES, left, PASSES_LEFT);
  store<f64>(
    DRIVER_TABLES,
    load<f64>(DRIVER_TABLES, PASS_START) + load<f64>(DRIVER_TABLES, PASS_PERIOD),
    PASS_START,
  );
  return left != 0;
}

/** A frame is handed out again when its packet's turn comes, given back or not. */
export function pcapRxRelease(queue: u32, batch: u32, count: u32): void {}

export function pcapTxReserve(queue: u32, batch: u32, max: u32): u32 {
  const pool = load<u32>(DRIVER_TABLES, TX_POOL);
  const shift = load<u32>(DRIVER_TABLES, FRAME_SHIFT);
  const mask = load<u32>(DRIVER_TABLES, TX_MASK);
  const cursor = load<u32>(DRIVER_TABLES, TX_CURSOR);
  const taken = cursor - load<u32>(DRIVER_TABLES, TX_RECORDED);
  const count = min(max, mask + 1 - taken);
  for (let i: u32 = 0; i < count; i++)
    store<u32>(batch + (i << BATCH_SHIFT), pool + (((cursor + i) & mask) << shift), BATCH_OFFSET);
  return count;
}

export function pcapTxBurst(queue: u32, batch: u32, count: u32): void {
  const cursor = load<u32>(DRIVER_TABLES, TX_CURSOR);
  store<u32>(DRIVER_TABLES, cursor + count, TX_CURSOR);
  if (!load<u32>(DRIVER_TABLES, RECORDS)) {
    store<u32>(DRIVER_TABLES, cursor + count, TX_RECORDED);
    store<u64>(DRIVER_TABLES, load<u64>(DRIVER_TABLES, DISCARDED) + count, DISCARDED);
    return;
  }
  const lengths = load<u32>(DRIVER_TABLES, TX_LENGTHS);
  const mask = load<u32>(DRIVER_TABLES, TX_MASK);
  for (let i: u32 = 0; i < count; i++)
    store<u32>(
      lengths + (((cursor + i) & mask) << 2),
      load<u32>(batch + (i << BATCH_SHIFT), BATCH_LENGTH),
    );
}
