/*
 * Mode shared: packets stay where the device has put them, and their frames are lent to clients that can read them there.
 * Who holds a frame stands in a map of each session's own, a byte for each frame of the device (SESSION_HOLDERS): never
 * a count, so that a frame that was given back twice, or never held, is known as such. Returned frames gather in a batch
 * for each RxQueue (RELEASES) and go back to the device in bursts.
 */
import * as L from '../../shm/src/layout';
import { BATCH_ENTRY, BATCH_LENGTH, BATCH_SHIFT, MAX_BURST } from '../../driver/src/tables';
import * as T from '../src/dataplane/tables';
import { count } from './counters';
import { rxRelease } from './device';
import { lookForRoom } from './rx-ring';
import { violate } from './violation';

/** Lends a packet's frame and writes its descriptor, or counts why not and leaves the frame here: the OUTCOME_*. */
// @ts-ignore: decorator
@inline
export function lend(session: u32, queue: u32, packet: u32, length: u32): u32 {
  const producer = load<u32>(session, T.SESSION_RX_PRODUCER);
  const ringSize = load<u32>(session, T.SESSION_RING_SIZE);
  if (producer - load<u32>(session, T.SESSION_RX_CONSUMER_SEEN) >= ringSize && !lookForRoom(session, producer)) {
    count(session, L.COUNTER_RX_DROP_RING_FULL, 1);
    return L.OUTCOME_RING_FULL;
  }
  if (load<u32>(session, T.SESSION_HELD) >= load<u32>(session, T.SESSION_CREDIT) && !regainsCredit(session)) {
    count(session, L.COUNTER_RX_DROP_NO_CREDIT, 1);
    return L.OUTCOME_NO_CREDIT;
  }
  const offset = packet - load<u32>(session, T.SESSION_WINDOW);
  const holder = load<u32>(session, T.SESSION_HOLDERS) + (offset >>> load<u32>(session, T.SESSION_FRAME_SHIFT));
  // A device that replays hands a frame out again when its turn comes, whoever holds it.
  if (load<u8>(holder)) {
    count(session, L.COUNTER_RX_DROP_NO_FRAME, 1);
    return L.OUTCOME_NO_FRAME;
  }
  store<u8>(holder, queue + 1);
  store<u32>(session, load<u32>(session, T.SESSION_HELD) + 1, T.SESSION_HELD);
  const descriptor =
    load<u32>(session, T.SESSION_RX_DESCRIPTORS) + ((producer & (ringSize - 1)) << L.DESCRIPTOR_SHIFT);
  store<u64>(descriptor, <u64>offset | (<u64>length << 32));
  store<u32>(session, producer + 1, T.SESSION_RX_PRODUCER);
  store<u32>(session, load<u32>(session, T.SESSION_BURST_BYTES) + length, T.SESSION_BURST_BYTES);
  return L.OUTCOME_DONE;
}

/** Looks whether the client has returned frames meanwhile. */
function regainsCredit(session: u32): bool {
  return reclaimLent(session) != 0 && !load<u32>(session, T.SESSION_VIOLATION);
}

/** What a batch entry's length is set to when its frame is lent. */
export const LENT: u32 = 0xffffffff;

/** Moves the entries of a burst whose frames were not lent to the front of it; returns how many. */
export function keepReturned(taken: u32): u32 {
  let kept: u32 = T.RX_BATCH;
  const end: u32 = T.RX_BATCH + taken * BATCH_ENTRY;
  for (let entry: u32 = T.RX_BATCH; entry < end; entry += BATCH_ENTRY) {
    if (load<u32>(entry, BATCH_LENGTH) == LENT) continue;
    store<u32>(kept, load<u32>(entry));
    kept += BATCH_ENTRY;
  }
  return (kept - T.RX_BATCH) >>> BATCH_SHIFT;
}

/**
 * Takes back what one client has put into its fillRing. Every entry is read once, then checked: it must name, by any of
 * its bytes, a frame that the client holds.
 */
export function reclaimLent(session: u32): u32 {
  const consumer = load<u32>(session, T.SESSION_FILL_CONSUMER);
  const returned = atomic.load<u32>(load<u32>(session, T.SESSION_CLIENT_REGION) + L.FILL_PRODUCER) - consumer;
  if (!returned) return 0;
  const slots = load<u32>(session, T.SESSION_RX_FRAMES_COUNT);
  if (returned > slots) {
    violate(session, T.VIOLATION_FILL_PRODUCER);
    return 0;
  }
  const entries = load<u32>(session, T.SESSION_FILL_ENTRIES);
  const shift = load<u32>(session, T.SESSION_FRAME_SHIFT);
  const frames = load<u32>(session, T.SESSION_WINDOW_FRAMES);
  const holders = load<u32>(session, T.SESSION_HOLDERS);
  const window = load<u32>(session, T.SESSION_WINDOW);
  let violation: u32 = 0;
  let taken: u32 = 0;
  for (; taken < returned; taken++) {
    const offset = load<u32>(entries + (((consumer + taken) & (slots - 1)) << L.ENTRY_SHIFT));
    const index = offset >>> shift;
    if (index >= frames) {
      violation = T.VIOLATION_FILL_ENTRY;
      break;
    }
    const mark: u32 = load<u8>(holders + index);
    if (!mark) {
      violation = T.VIOLATION_FRAME_NOT_HELD;
      break;
    }
    store<u8>(holders + index, 0);
    giveBack(mark - 1, window + offset);
  }
  store<u32>(session, load<u32>(session, T.SESSION_HELD) - taken, T.SESSION_HELD);
  if (violation) {
    violate(session, violation);
    return 0;
  }
  store<u32>(session, consumer + returned, T.SESSION_FILL_CONSUMER);
  atomic.store<u32>(load<u32>(session, T.SESSION_DISPATCHER_REGION) + L.FILL_CONSUMER, consumer + returned);
  return returned;
}

/** Puts a frame into its RxQueue's batch, which goes to the device when it is full. */
// @ts-ignore: decorator
@inline
function giveBack(queue: u32, packet: u32): void {
  const cell: u32 = T.RELEASE_COUNTS + (queue << 2);
  const batch: u32 = T.RELEASES + queue * T.RELEASE_BYTES;
  const waiting = load<u32>(cell);
  store<u32>(batch + (waiting << BATCH_SHIFT), packet);
  store<u32>(cell, waiting + 1);
  if (waiting + 1 == <u32>MAX_BURST) flush(queue);
}

function flush(queue: u32): void {
  const cell: u32 = T.RELEASE_COUNTS + (queue << 2);
  rxRelease(queue, T.RELEASES + queue * T.RELEASE_BYTES, load<u32>(cell));
  store<u32>(cell, 0);
}

/** Gives the device all that waits in batches. */
export function flushReturned(): void {
  const queues = load<u32>(T.PLANE, T.PLANE_RX_QUEUES);
  for (let queue: u32 = 0; queue < queues; queue++) if (load<u32>(T.RELEASE_COUNTS + (queue << 2))) flush(queue);
}

/** Returns by how many frames a shared session's map differs from its count of frames held; 0 is right. */
export function auditLent(session: u32): i32 {
  const holders = load<u32>(session, T.SESSION_HOLDERS);
  const frames = load<u32>(session, T.SESSION_WINDOW_FRAMES);
  let held: u32 = 0;
  for (let i: u32 = 0; i < frames; i++) held += load<u8>(holders + i) ? 1 : 0;
  return <i32>(held - load<u32>(session, T.SESSION_HELD));
}

/** A session is over: all that its client holds goes back to the device. Returns how many frames. */
export function takeAllBack(session: u32): u32 {
  const window = load<u32>(session, T.SESSION_WINDOW);
  if (!window) return 0;
  const holders = load<u32>(session, T.SESSION_HOLDERS);
  const frames = load<u32>(session, T.SESSION_WINDOW_FRAMES);
  const shift = load<u32>(session, T.SESSION_FRAME_SHIFT);
  let taken: u32 = 0;
  for (let i: u32 = 0; i < frames; i++) {
    const mark: u32 = load<u8>(holders + i);
    if (!mark) continue;
    store<u8>(holders + i, 0);
    giveBack(mark - 1, window + (i << shift));
    taken++;
  }
  store<u32>(session, 0, T.SESSION_HELD);
  flushReturned();
  return taken;
}
