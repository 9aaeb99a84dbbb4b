/*
 * The fast path of Intel's 82574 and 82576: rings of 16-byte descriptors in memory that the card reaches too, whose
 * layouts differ in the TX command alone. The card writes a descriptor back when it is done with it; a register is
 * written to tell it of new ones: after a fence, by a plain store, once for many. State stands in the ring table
 * (src/intel/ring-table.ts).
 */
import { fence } from './fence';
import { BATCH_LENGTH, BATCH_OFFSET, BATCH_SHIFT, DRIVER_TABLES } from '../src/tables';
import {
  DESCRIPTOR_SHIFT,
  FRAME_SIZE,
  LENGTH,
  PAGES,
  PAGE_SHIFT,
  REGION,
  RING_SHIFT,
  RX_DONE,
  RX_END_OF_PACKET,
  RX_FILLED,
  RX_FRAME_ERRORS,
  RX_FREE,
  RX_INVALID,
  RX_MASK,
  RX_NEXT,
  RX_PUBLISHED,
  RX_RING,
  RX_SLOTS,
  RX_STACK,
  RX_TAIL_AT,
  STATUS,
  TAIL_BATCH,
  TX_CLEAN,
  TX_COMMAND,
  TX_DONE,
  TX_FRAMES,
  TX_LENGTH_SHIFT,
  TX_MASK,
  TX_NEXT,
  TX_RING,
  TX_TAIL_AT,
} from '../src/intel/ring-table';

// @ts-ignore: decorator
@inline
function entryOf(ring: u32): usize {
  return DRIVER_TABLES + (ring << RING_SHIFT);
}

/** The card's address of a frame of the region. */
// @ts-ignore: decorator
@inline
function iova(entry: usize, frame: u32): u64 {
  const inRegion = frame - load<u32>(entry, REGION);
  const page = load<u64>(load<u32>(entry, PAGES) + ((inRegion >>> PAGE_SHIFT) << 3));
  return page + <u64>(inRegion & ((1 << PAGE_SHIFT) - 1));
}

/** Takes what the card has written back. What it describes wrongly stays here, is counted, and its frame is used again. */
export function intelRxBurst(ring: u32, batch: u32, max: u32): u32 {
  const entry = entryOf(ring);
  const descriptors = load<u32>(entry, RX_RING);
  const slots = load<u32>(entry, RX_SLOTS);
  const mask = load<u32>(entry, RX_MASK);
  const frameSize = load<u32>(entry, FRAME_SIZE);
  const filled = load<u32>(entry, RX_PUBLISHED);
  let next = load<u32>(entry, RX_NEXT);
  let count: u32 = 0;
  while (count < max && next != filled) {
    const slot = next & mask;
    const descriptor = descriptors + (slot << DESCRIPTOR_SHIFT);
    const status = load<u32>(descriptor, STATUS);
    if (!(status & RX_DONE)) break;
    const length: u32 = load<u16>(descriptor, LENGTH);
    const frame = load<u32>(slots + (slot << 2));
    next++;
    if (length == 0 || length > frameSize || !(status & RX_END_OF_PACKET) || status & RX_FRAME_ERRORS) {
      store<u32>(entry, load<u32>(entry, RX_INVALID) + 1, RX_INVALID);
      push(entry, frame);
      continue;
    }
    const target = batch + (count << BATCH_SHIFT);
    store<u32>(target, frame, BATCH_OFFSET);
    store<u32>(target, length, BATCH_LENGTH);
    count++;
  }
  if (next == load<u32>(entry, RX_NEXT)) return 0;
  store<u32>(entry, next, RX_NEXT);
  giveFrames(entry);
  return count;
}

// @ts-ignore: decorator
@inline
function push(entry: usize, frame: u32): void {
  const free = load<u32>(entry, RX_FREE);
  store<u32>(load<u32>(entry, RX_STACK) + (free << 2), frame);
  store<u32>(entry, free + 1, RX_FREE);
}

export function intelRxRelease(ring: u32, batch: u32, count: u32): void {
  const entry = entryOf(ring);
  const region = load<u32>(entry, REGION);
  const inFrame = load<u32>(entry, FRAME_SIZE) - 1;
  for (let i: u32 = 0; i < count; i++) {
    const offset = load<u32>(batch + (i << BATCH_SHIFT), BATCH_OFFSET) - region;
    push(entry, region + (offset & ~inFrame));
  }
  giveFrames(entry);
}

/** Gives the card free frames, and tells it of them once they are many. */
// @ts-ignore: decorator
@inline
function giveFrames(entry: usize): void {
  refill(entry);
  if (load<u32>(entry, RX_FILLED) - load<u32>(entry, RX_PUBLISHED) >= <u32>TAIL_BATCH) publish(entry);
}

/** Gives free frames to descriptors; one stays unused, or a full ring would look like an empty one. */
function refill(entry: usize): void {
  const descriptors = load<u32>(entry, RX_RING);
  const slots = load<u32>(entry, RX_SLOTS);
  const stack = load<u32>(entry, RX_STACK);
  const mask = load<u32>(entry, RX_MASK);
  const end = load<u32>(entry, RX_NEXT) + mask;
  let filled = load<u32>(entry, RX_FILLED);
  let free = load<u32>(entry, RX_FREE);
  while (free > 0 && filled != end) {
    const frame = load<u32>(stack + (--free << 2));
    const slot = filled & mask;
    const descriptor = descriptors + (slot << DESCRIPTOR_SHIFT);
    store<u32>(slots + (slot << 2), frame);
    store<u64>(descriptor, iova(entry, frame));
    store<u64>(descriptor, 0, STATUS);
    filled++;
  }
  store<u32>(entry, free, RX_FREE);
  store<u32>(entry, filled, RX_FILLED);
}

// @ts-ignore: decorator
@inline
function publish(entry: usize): void {
  const filled = load<u32>(entry, RX_FILLED);
  store<u32>(entry, filled, RX_PUBLISHED);
  fence();
  store<u32>(load<u32>(entry, RX_TAIL_AT), filled & load<u32>(entry, RX_MASK));
}

/** Tells the card of all descriptors that are ready; to be called before a sleep, and at the start. */
export function intelRxPublish(ring: u32): void {
  const entry = entryOf(ring);
  refill(entry);
  if (load<u32>(entry, RX_FILLED) != load<u32>(entry, RX_PUBLISHED)) publish(entry);
}

/** Whether a packet waits in the RX ring. */
export function intelRxWaiting(ring: u32): bool {
  const entry = entryOf(ring);
  const next = load<u32>(entry, RX_NEXT);
  if (next == load<u32>(entry, RX_PUBLISHED)) return false;
  const slot = next & load<u32>(entry, RX_MASK);
  return (load<u32>(load<u32>(entry, RX_RING) + (slot << DESCRIPTOR_SHIFT), STATUS) & RX_DONE) != 0;
}

/** One descriptor stays unused, as in the RX ring. */
export function intelTxReserve(ring: u32, batch: u32, max: u32): u32 {
  const entry = entryOf(ring);
  const mask = load<u32>(entry, TX_MASK);
  const next = load<u32>(entry, TX_NEXT);
  let free = mask - (next - load<u32>(entry, TX_CLEAN));
  if (free < max) free = mask - (next - clean(entry, next, mask));
  const count = min(free, max);
  const frames = load<u32>(entry, TX_FRAMES);
  const frameSize = load<u32>(entry, FRAME_SIZE);
  for (let i: u32 = 0; i < count; i++)
    store<u32>(batch + (i << BATCH_SHIFT), frames + ((next + i) & mask) * frameSize, BATCH_OFFSET);
  return count;
}

/** Goes on to the first descriptor that the card has not sent yet; returns it. */
function clean(entry: usize, next: u32, mask: u32): u32 {
  const descriptors = load<u32>(entry, TX_RING);
  let done = load<u32>(entry, TX_CLEAN);
  while (done != next && load<u32>(descriptors + ((done & mask) << DESCRIPTOR_SHIFT), LENGTH) & TX_DONE) done++;
  store<u32>(entry, done, TX_CLEAN);
  return done;
}

export function intelTxBurst(ring: u32, batch: u32, count: u32): void {
  if (count == 0) return;
  const entry = entryOf(ring);
  const descriptors = load<u32>(entry, TX_RING);
  const mask = load<u32>(entry, TX_MASK);
  const command = load<u32>(entry, TX_COMMAND);
  const shift: u64 = load<u32>(entry, TX_LENGTH_SHIFT);
  const next = load<u32>(entry, TX_NEXT);
  for (let i: u32 = 0; i < count; i++) {
    const source = batch + (i << BATCH_SHIFT);
    const length = load<u32>(source, BATCH_LENGTH);
    const descriptor = descriptors + (((next + i) & mask) << DESCRIPTOR_SHIFT);
    store<u64>(descriptor, iova(entry, load<u32>(source, BATCH_OFFSET)));
    store<u64>(descriptor, <u64>(command | length) | ((<u64>length << shift) << 32), STATUS);
  }
  store<u32>(entry, next + count, TX_NEXT);
  fence();
  store<u32>(load<u32>(entry, TX_TAIL_AT), (next + count) & mask);
}

/** Descriptors that the card has not sent yet. */
export function intelTxWaiting(ring: u32): u32 {
  const entry = entryOf(ring);
  const next = load<u32>(entry, TX_NEXT);
  return next - clean(entry, next, load<u32>(entry, TX_MASK));
}
