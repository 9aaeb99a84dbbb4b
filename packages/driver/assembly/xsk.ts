/*
 * The fast path of AF_XDP: the kernel's four rings of each socket, all in linear memory (linux/if_xdp.h). Cursors of
 * one side are loaded once a burst and ours stored once a burst; every index is masked. State stands in the queue
 * table (src/af-xdp/queue-table.ts).
 */
import { BATCH_LENGTH, BATCH_OFFSET, BATCH_SHIFT, DRIVER_TABLES } from '../src/tables';
import {
  COMPLETION_CONSUMER_AT,
  COMPLETION_CURSOR,
  COMPLETION_ENTRIES,
  COMPLETION_MASK,
  COMPLETION_PRODUCER_AT,
  FILL_CURSOR,
  FILL_ENTRIES,
  FILL_FLAGS_AT,
  FILL_MASK,
  FILL_PRODUCER_AT,
  FRAME_MASK,
  QUEUE_SHIFT,
  RX_CONSUMER_AT,
  RX_CURSOR,
  RX_DESCRIPTORS,
  RX_MASK,
  RX_PRODUCER_AT,
  RX_SEEN,
  TX_CONSUMER_AT,
  TX_CURSOR,
  TX_DESCRIPTORS,
  TX_FLAGS_AT,
  TX_FRAMES,
  TX_FREE,
  TX_MASK,
  TX_PRODUCER_AT,
  TX_STACK,
  UMEM,
  XDP_ADDRESS_SHIFT,
  XDP_DESC_ADDRESS,
  XDP_DESC_LENGTH,
  XDP_DESC_OPTIONS,
  XDP_DESC_SHIFT,
  XDP_RING_NEED_WAKEUP,
} from '../src/af-xdp/queue-table';

/** Asks the kernel to send what the TX ring of that queue holds. */
@external("env", "doorbell")
declare function doorbell(queue: u32): void;

/** Doorbells of one burst: in copy mode the kernel sends 32 packets a call, so 64 take two, and one to be sure. */
const MAX_DOORBELLS: u32 = 3;

// @ts-ignore: decorator
@inline
function entryOf(queue: u32): usize {
  return DRIVER_TABLES + (queue << QUEUE_SHIFT);
}

export function xskRxBurst(queue: u32, batch: u32, max: u32): u32 {
  const entry = entryOf(queue);
  let cursor = load<u32>(entry, RX_CURSOR);
  let ready = load<u32>(entry, RX_SEEN) - cursor;
  if (ready < max) {
    const producer = atomic.load<u32>(load<u32>(entry, RX_PRODUCER_AT));
    store<u32>(entry, producer, RX_SEEN);
    ready = producer - cursor;
  }
  const count = min(ready, max);
  if (count == 0) return 0;

  const descriptors = load<u32>(entry, RX_DESCRIPTORS);
  const mask = load<u32>(entry, RX_MASK);
  const umem = load<u32>(entry, UMEM);
  for (let i: u32 = 0; i < count; i++) {
    const descriptor = descriptors + ((cursor & mask) << XDP_DESC_SHIFT);
    const target = batch + (i << BATCH_SHIFT);
    store<u32>(target, umem + load<u32>(descriptor, XDP_DESC_ADDRESS), BATCH_OFFSET);
    store<u32>(target, load<u32>(descriptor, XDP_DESC_LENGTH), BATCH_LENGTH);
    cursor++;
  }
  store<u32>(entry, cursor, RX_CURSOR);
  atomic.store<u32>(load<u32>(entry, RX_CONSUMER_AT), cursor);
  return count;
}

/** The fill ring has a slot for every RX frame, so it is never full. */
export function xskRxRelease(queue: u32, batch: u32, count: u32): void {
  if (count == 0) return;
  const entry = entryOf(queue);
  const entries = load<u32>(entry, FILL_ENTRIES);
  const mask = load<u32>(entry, FILL_MASK);
  const umem = load<u32>(entry, UMEM);
  const frame = ~load<u32>(entry, FRAME_MASK);
  let cursor = load<u32>(entry, FILL_CURSOR);
  for (let i: u32 = 0; i < count; i++) {
    const address = (load<u32>(batch + (i << BATCH_SHIFT), BATCH_OFFSET) - umem) & frame;
    store<u64>(entries + ((cursor & mask) << XDP_ADDRESS_SHIFT), address);
    cursor++;
  }
  store<u32>(entry, cursor, FILL_CURSOR);
  atomic.store<u32>(load<u32>(entry, FILL_PRODUCER_AT), cursor);
}

/** The TX ring has a slot for every TX frame: a free frame is always a free slot. */
export function xskTxReserve(queue: u32, batch: u32, max: u32): u32 {
  const entry = entryOf(queue);
  let free = load<u32>(entry, TX_FREE);
  if (free < max) free = reap(entry, free);
  const count = min(free, max);
  const umem = load<u32>(entry, UMEM);
  let top = load<u32>(entry, TX_STACK) + (free << 2);
  for (let i: u32 = 0; i < count; i++) {
    top -= 4;
    store<u32>(batch + (i << BATCH_SHIFT), umem + load<u32>(top), BATCH_OFFSET);
  }
  return count;
}

/** Takes the frames that the kernel has sent back on the stack; returns how many lie there now. */
function reap(entry: usize, free: u32): u32 {
  let cursor = load<u32>(entry, COMPLETION_CURSOR);
  const sent = atomic.load<u32>(load<u32>(entry, COMPLETION_PRODUCER_AT)) - cursor;
  const count = min(sent, load<u32>(entry, TX_FRAMES) - free);
  if (count == 0) return free;

  const entries = load<u32>(entry, COMPLETION_ENTRIES);
  const mask = load<u32>(entry, COMPLETION_MASK);
  const frame = ~load<u32>(entry, FRAME_MASK);
  let top = load<u32>(entry, TX_STACK) + (free << 2);
  for (let i: u32 = 0; i < count; i++) {
    store<u32>(top, load<u32>(entries + ((cursor & mask) << XDP_ADDRESS_SHIFT)) & frame);
    top += 4;
    cursor++;
  }
  store<u32>(entry, cursor, COMPLETION_CURSOR);
  atomic.store<u32>(load<u32>(entry, COMPLETION_CONSUMER_AT), cursor);
  store<u32>(entry, free + count, TX_FREE);
  return free + count;
}

export function xskTxBurst(queue: u32, batch: u32, count: u32): void {
  if (count == 0) return;
  const entry = entryOf(queue);
  const descriptors = load<u32>(entry, TX_DESCRIPTORS);
  const mask = load<u32>(entry, TX_MASK);
  const umem = load<u32>(entry, UMEM);
  let cursor = load<u32>(entry, TX_CURSOR);
  for (let i: u32 = 0; i < count; i++) {
    const source = batch + (i << BATCH_SHIFT);
    const descriptor = descriptors + ((cursor & mask) << XDP_DESC_SHIFT);
    store<u64>(descriptor, load<u32>(source, BATCH_OFFSET) - umem, XDP_DESC_ADDRESS);
    store<u32>(descriptor, load<u32>(source, BATCH_LENGTH), XDP_DESC_LENGTH);
    store<u32>(descriptor, 0, XDP_DESC_OPTIONS);
    cursor++;
  }
  store<u32>(entry, cursor, TX_CURSOR);
  store<u32>(entry, load<u32>(entry, TX_FREE) - count, TX_FREE);
  atomic.store<u32>(load<u32>(entry, TX_PRODUCER_AT), cursor);
  kick(queue, entry);
}

/** Rings the doorbell as long as the kernel asks for it and gets on; returns how many packets it took. */
function kick(queue: u32, entry: usize): u32 {
  if (!(atomic.load<u32>(load<u32>(entry, TX_FLAGS_AT)) & XDP_RING_NEED_WAKEUP)) return 0;
  const producer = load<u32>(entry, TX_CURSOR);
  const consumerAt = load<u32>(entry, TX_CONSUMER_AT);
  const first = atomic.load<u32>(consumerAt);
  let consumer = first;
  for (let rung: u32 = 0; rung < MAX_DOORBELLS && consumer != producer; rung++) {
    doorbell(queue);
    const now = atomic.load<u32>(consumerAt);
    if (now == consumer) break;
    consumer = now;
  }
  return consumer - first;
}

/** Sends what an earlier doorbell left; returns how many packets the kernel took. */
export function xskMaintain(queue: u32): u32 {
  const entry = entryOf(queue);
  return xskTxWaiting(queue) ? kick(queue, entry) : 0;
}

/** Whether packets wait in the RX ring. */
export function xskRxWaiting(queue: u32): bool {
  const entry = entryOf(queue);
  return atomic.load<u32>(load<u32>(entry, RX_PRODUCER_AT)) != load<u32>(entry, RX_CURSOR);
}

/** Whether packets wait in the TX ring for a doorbell. */
export function xskTxWaiting(queue: u32): bool {
  const entry = entryOf(queue);
  if (atomic.load<u32>(load<u32>(entry, TX_CONSUMER_AT)) == load<u32>(entry, TX_CURSOR)) return false;
  return (atomic.load<u32>(load<u32>(entry, TX_FLAGS_AT)) & XDP_RING_NEED_WAKEUP) != 0;
}

/** Whether the kernel waits for a call before it looks at the fill ring again. */
export function xskFillWaiting(queue: u32): bool {
  return (atomic.load<u32>(load<u32>(entryOf(queue), FILL_FLAGS_AT)) & XDP_RING_NEED_WAKEUP) != 0;
}
