/*
 * The fast path of virtio-net by split virtqueues (virtio 1.2, 2.7). A buffer is one descriptor: a frame that holds the
 * header and then the packet. The card names buffers that it is done with in the used ring, in any order; what it
 * writes there is read once and checked. Its registers are written only where it asks to be told. State stands in the
 * queue table (src/virtio-net/queue-table.ts).
 */
import { BATCH_LENGTH, BATCH_OFFSET, BATCH_SHIFT, DRIVER_TABLES } from '../src/tables';
import {
  AVAILABLE,
  AVAIL_ENTRY_SHIFT,
  AVAIL_F_NO_INTERRUPT,
  DESCRIPTORS,
  DESCRIPTOR_LENGTH,
  DESCRIPTOR_SHIFT,
  DESC_F_WRITE,
  DONE,
  FRAME_SIZE,
  HEADER,
  IDS,
  INVALID,
  MASK,
  NEXT,
  NOTIFY_AT,
  NUMBER,
  PAGES,
  PAGE_SHIFT,
  PUBLISHED,
  QUEUE_SHIFT,
  REGION,
  RING_ENTRIES,
  RING_FLAGS,
  RING_INDEX,
  RX_BATCH,
  RX_FREE,
  RX_RINGS,
  RX_STACK,
  SEEN,
  SLOTS,
  TX_FRAMES,
  USED,
  USED_ENTRY_SHIFT,
  USED_F_NO_NOTIFY,
  USED_LENGTH,
} from '../src/virtio-net/queue-table';

// @ts-ignore: decorator
@inline
function rxEntry(ring: u32): usize {
  return DRIVER_TABLES + (ring << (QUEUE_SHIFT + 1));
}

// @ts-ignore: decorator
@inline
function txEntry(ring: u32): usize {
  return rxEntry(ring) + (1 << QUEUE_SHIFT);
}

/** The card's address of a frame of the region. */
// @ts-ignore: decorator
@inline
function iova(entry: usize, frame: u32): u64 {
  const inRegion = frame - load<u32>(entry, REGION);
  const page = load<u64>(load<u32>(entry, PAGES) + ((inRegion >>> PAGE_SHIFT) << 3));
  return page + <u64>(inRegion & ((1 << PAGE_SHIFT) - 1));
}

// @ts-ignore: decorator
@inline
function countInvalid(entry: usize): void {
  store<u32>(entry, load<u32>(entry, INVALID) + 1, INVALID);
}

/**
 * Takes the frame that a number from the used ring names out of the card's hands, and frees the descriptor. Returns 0
 * where the card has no such buffer.
 */
// @ts-ignore: decorator
@inline
function takeBack(entry: usize, id: u32, mask: u32): u32 {
  if (id > mask) return 0;
  const slot = load<u32>(entry, SLOTS) + (id << 2);
  const frame = load<u32>(slot);
  if (frame == 0) return 0;
  store<u32>(slot, 0);
  const done = load<u32>(entry, DONE);
  store<u32>(load<u32>(entry, IDS) + ((done & mask) << 2), id);
  store<u32>(entry, done + 1, DONE);
  return frame;
}

/** Puts a frame with the next free descriptor into the available ring, where the card does not see it yet. */
// @ts-ignore: decorator
@inline
function ready(entry: usize, next: u32, mask: u32, frame: u32, length: u32, flags: u64): void {
  const id = load<u32>(load<u32>(entry, IDS) + ((next & mask) << 2));
  const descriptor = load<u32>(entry, DESCRIPTORS) + (id << DESCRIPTOR_SHIFT);
  store<u32>(load<u32>(entry, SLOTS) + (id << 2), frame);
  store<u64>(descriptor, iova(entry, frame));
  store<u64>(descriptor, <u64>length | (flags << 32), DESCRIPTOR_LENGTH);
  store<u16>(load<u32>(entry, AVAILABLE) + ((next & mask) << AVAIL_ENTRY_SHIFT), <u16>id, RING_ENTRIES);
}

/** Lets the card see all buffers that are ready. Returns whether it wants to be told. */
// @ts-ignore: decorator
@inline
function publish(entry: usize): bool {
  const next = load<u32>(entry, NEXT);
  store<u32>(entry, next, PUBLISHED);
  // Sequentially consistent: the card's flags are looked at after it can see the buffers (2.7.13.4.1).
  atomic.store<u16>(load<u32>(entry, AVAILABLE), <u16>next, RING_INDEX);
  return !(atomic.load<u16>(load<u32>(entry, USED), RING_FLAGS) & <u16>USED_F_NO_NOTIFY);
}

// @ts-ignore: decorator
@inline
function notify(entry: usize): void {
  store<u16>(load<u32>(entry, NOTIFY_AT), <u16>load<u32>(entry, NUMBER));
}

/** Takes what the card has received. What it describes wrongly stays here and is counted; its frame is used again. */
export function virtioRxBurst(ring: u32, batch: u32, max: u32): u32 {
  const entry = rxEntry(ring);
  const used = load<u32>(entry, USED);
  const end = atomic.load<u16>(used, RING_INDEX);
  let seen = load<u32>(entry, SEEN);
  if (<u16>seen == end) {
    // Nothing comes any more, maybe because too few frames were worth telling of.
    if (load<u32>(entry, NEXT) != load<u32>(entry, PUBLISHED)) tellReceiver(entry);
    return 0;
  }
  const mask = load<u32>(entry, MASK);
  const frameSize = load<u32>(entry, FRAME_SIZE);
  let count: u32 = 0;
  while (count < max && <u16>seen != end) {
    const element = used + ((seen & mask) << USED_ENTRY_SHIFT);
    const id = load<u32>(element, RING_ENTRIES);
    const length = load<u32>(element, RING_ENTRIES + USED_LENGTH);
    seen++;
    const frame = takeBack(entry, id, mask);
    if (frame == 0) {
      countInvalid(entry);
      continue;
    }
    if (length <= <u32>HEADER || length > frameSize) {
      countInvalid(entry);
      push(entry, frame);
      continue;
    }
    const target = batch + (count << BATCH_SHIFT);
    store<u32>(target, frame + HEADER, BATCH_OFFSET);
    store<u32>(target, length - HEADER, BATCH_LENGTH);
    count++;
  }
  store<u32>(entry, seen, SEEN);
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

export function virtioRxRelease(ring: u32, batch: u32, count: u32): void {
  const entry = rxEntry(ring);
  const region = load<u32>(entry, REGION);
  const inFrame = load<u32>(entry, FRAME_SIZE) - 1;
  for (let i: u32 = 0; i < count; i++) {
    const offset = load<u32>(batch + (i << BATCH_SHIFT), BATCH_OFFSET) - region;
    push(entry, region + (offset & ~inFrame));
  }
  giveFrames(entry);
}

/** Gives the card free frames once they are many. */
// @ts-ignore: decorator
@inline
function giveFrames(entry: usize): void {
  refill(entry);
  if (load<u32>(entry, NEXT) - load<u32>(entry, PUBLISHED) >= load<u32>(entry, RX_BATCH)) tellReceiver(entry);
}

function refill(entry: usize): void {
  const mask = load<u32>(entry, MASK);
  const stack = load<u32>(entry, RX_STACK);
  const frameSize = load<u32>(entry, FRAME_SIZE);
  const end = load<u32>(entry, DONE) + mask + 1;
  let next = load<u32>(entry, NEXT);
  let free = load<u32>(entry, RX_FREE);
  while (free > 0 && next != end) {
    ready(entry, next, mask, load<u32>(stack + (--free << 2)), frameSize, DESC_F_WRITE);
    next++;
  }
  store<u32>(entry, free, RX_FREE);
  store<u32>(entry, next, NEXT);
}

/**
 * Lets the card have what is ready. One that asks to be told has run dry, and may keep a packet for this ring waiting
 * where another ring's packets come in, so that all rings are told.
 */
function tellReceiver(entry: usize): void {
  if (!publish(entry)) return;
  const rings = load<u32>(entry, RX_RINGS);
  for (let ring: u32 = 0; ring < rings; ring++) notify(rxEntry(ring));
}

/** Lets the card have all free frames; to be called before a sleep, and at the start. */
export function virtioRxPublish(ring: u32): void {
  const entry = rxEntry(ring);
  refill(entry);
  if (load<u32>(entry, NEXT) != load<u32>(entry, PUBLISHED)) tellReceiver(entry);
}

/** Lets an RX queue raise interrupts, or forbids it. Returns whether a packet waits there already. */
export function virtioRxInterrupts(ring: u32, wanted: bool): bool {
  const entry = rxEntry(ring);
  // Sequentially consistent: a packet that came before raises none, and is seen below (2.7.7.2).
  atomic.store<u16>(load<u32>(entry, AVAILABLE), wanted ? 0 : AVAIL_F_NO_INTERRUPT, RING_FLAGS);
  return atomic.load<u16>(load<u32>(entry, USED), RING_INDEX) != <u16>load<u32>(entry, SEEN);
}

export function virtioTxReserve(ring: u32, batch: u32, max: u32): u32 {
  const entry = txEntry(ring);
  const mask = load<u32>(entry, MASK);
  const next = load<u32>(entry, NEXT);
  let free = mask + 1 - (next - load<u32>(entry, DONE));
  if (free < max) free = mask + 1 - (next - reap(entry, mask));
  const count = min(free, max);
  const ids = load<u32>(entry, IDS);
  const first = load<u32>(entry, TX_FRAMES) + HEADER;
  const frameSize = load<u32>(entry, FRAME_SIZE);
  for (let i: u32 = 0; i < count; i++) {
    const id = load<u32>(ids + (((next + i) & mask) << 2));
    store<u32>(batch + (i << BATCH_SHIFT), first + id * frameSize, BATCH_OFFSET);
  }
  return count;
}

/** Takes back what the card has sent; returns how many came back in all. */
function reap(entry: usize, mask: u32): u32 {
  const used = load<u32>(entry, USED);
  const end = atomic.load<u16>(used, RING_INDEX);
  let seen = load<u32>(entry, SEEN);
  while (<u16>seen != end) {
    const id = load<u32>(used + ((seen & mask) << USED_ENTRY_SHIFT), RING_ENTRIES);
    if (takeBack(entry, id, mask) == 0) countInvalid(entry);
    seen++;
  }
  store<u32>(entry, seen, SEEN);
  return load<u32>(entry, DONE);
}

/** Before each frame's packet stands a header of zeros, which nobody has ever written to. */
export function virtioTxBurst(ring: u32, batch: u32, count: u32): void {
  if (count == 0) return;
  const entry = txEntry(ring);
  const mask = load<u32>(entry, MASK);
  const next = load<u32>(entry, NEXT);
  for (let i: u32 = 0; i < count; i++) {
    const source = batch + (i << BATCH_SHIFT);
    const frame = load<u32>(source, BATCH_OFFSET) - HEADER;
    ready(entry, next + i, mask, frame, load<u32>(source, BATCH_LENGTH) + HEADER, 0);
  }
  store<u32>(entry, next + count, NEXT);
  if (publish(entry)) notify(entry);
}
