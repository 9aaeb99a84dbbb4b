/*
 * Taps: copies of packets, and of what became of them, for somebody who watches. A tap is a session without a queue;
 * its frames come back and its cursors are checked like any other's.
 *
 * A tap must not slow the traffic. While each turn takes all that waits, copies are made in time that nobody needs.
 * Where bursts are full, packets wait behind every copy: then copies may cost a small share of what the packets
 * themselves do, and the rest is skipped and counted. A credit keeps the account: packets earn what they cost, a copy
 * pays SHARE times what it costs. A turn without a full burst fills the credit up, so that a short rush is copied whole.
 */
import * as L from '../../shm/src/layout';
import { BATCH_ENTRY, BATCH_LENGTH, MAX_BURST } from '../../driver/src/tables';
import * as T from '../src/dataplane/tables';
import { copyPacket } from './copy';
import { count } from './counters';
import { runFilter } from './packet-filter';
import { reclaimFrames } from './reclaim';
import { violate } from './violation';
import { noteSleepingTap } from './wakeup';

/** What a packet costs beside its bytes, in bytes. */
const FIXED_COST: u32 = 64;
/** A copy for so many packets of its size. */
const SHARE: u32 = 512;
/** Enough credit for a burst's worth of short packets: copies come in clumps, for which the clock is read once. */
const ENOUGH: i32 = 1 << 19;
/** A rush of some thousand packets. */
const MOST: i32 = 1 << 29;

/** Reads CLOCK_REALTIME into the tables' TAP_TIMESPEC. */
// @ts-ignore: decorator
@external('clock', 'read')
declare function readClock(): void;

/** To be called once a turn, while there are taps. */
export function beginTapTurn(): void {
  if (!load<u32>(T.TAP_COMMON, T.TAP_BUSY)) store<i32>(T.TAP_COMMON, MOST, T.TAP_CREDIT);
  store<u32>(T.TAP_COMMON, 0, T.TAP_BUSY);
}

/** Returns whether the packets of the coming burst are copied. */
export function beginTapBurst(): bool {
  store<u64>(T.TAP_COMMON, 0, T.TAP_NOW);
  return load<i32>(T.TAP_COMMON, T.TAP_CREDIT) >= ENOUGH;
}

/** Takes what a burst's own packets cost into the account. */
function earn(packets: u32, bytes: u32, full: bool): void {
  const credit = load<i32>(T.TAP_COMMON, T.TAP_CREDIT) + <i32>(bytes + packets * FIXED_COST);
  store<i32>(T.TAP_COMMON, min(credit, MOST), T.TAP_CREDIT);
  if (full) store<u32>(T.TAP_COMMON, 1, T.TAP_BUSY);
}

/** Copies a packet that came in to the taps that want it; `queue` is its queue's record, or 0. */
// @ts-ignore: decorator
@inline
export function tapReceived(copies: bool, queue: u32, packet: u32, length: u32, outcome: u32): void {
  if (!copies) {
    // No branch on the queue: which one a packet is for cannot be predicted.
    if (queue) store<u32>(queue, load<u32>(queue, T.QUEUE_TAP_SKIPPED) + 1, T.QUEUE_TAP_SKIPPED);
    return;
  }
  const taps = load<u32>(T.PLANE, T.PLANE_DEVICE_TAPS) | (queue ? load<u32>(queue, T.QUEUE_TAPS) : 0);
  if (taps) copyToTaps(taps, queue, packet, length, L.TAP_RECEIVED, outcome);
}

/** To be called when a burst that came in was handed to tapReceived, packet by packet. */
export function endReceivedBurst(copies: bool, packets: u32, bytes: u32): void {
  earn(packets, bytes, packets == MAX_BURST);
  if (copies) publishToTaps();
  else countSkipped(packets);
}

function countSkipped(packets: u32): void {
  for (let tap: u32 = T.TAPS; tap < <u32>T.TAP_COMMON; tap += T.TAP_BYTES) {
    const session = load<u32>(tap, T.TAP_SESSION);
    if (!session) continue;
    const target = load<u32>(tap, T.TAP_TARGET);
    count(session, L.COUNTER_TAP_SKIPPED, target ? load<u32>(target, T.QUEUE_TAP_SKIPPED) : packets);
  }
  for (let tap: u32 = T.TAPS; tap < <u32>T.TAP_COMMON; tap += T.TAP_BYTES) {
    const target = load<u32>(tap, T.TAP_TARGET);
    if (target) store<u32>(target, 0, T.QUEUE_TAP_SKIPPED);
  }
}

/** The taps that want what a queue's client sends, as bits; 0 for the queue: what the kernel sends. */
// @ts-ignore: decorator
@inline
function tapsOf(queue: u32): u32 {
  return load<u32>(T.PLANE, T.PLANE_DEVICE_TAPS) | (queue ? load<u32>(queue, T.QUEUE_TAPS) : 0);
}

/** Copies the packets of a batch that are about to be sent. They are our own copies by now: no client changes them. */
export function tapSent(queue: u32, batch: u32, packets: u32, bytes: u32): void {
  earn(packets, bytes, packets == T.TX_BURST);
  const taps = tapsOf(queue);
  if (!taps) return;
  if (!beginTapBurst()) return skip(taps, packets);
  const end = batch + packets * BATCH_ENTRY;
  for (let entry = batch; entry < end; entry += BATCH_ENTRY)
    copyToTaps(taps, queue, load<u32>(entry), load<u32>(entry, BATCH_LENGTH), L.TAP_SENT, L.OUTCOME_DONE);
  publishToTaps();
}

/** Copies a packet that a client may not send, from its own memory: it is within it, and may change meanwhile. */
export function tapRefused(queue: u32, packet: u32, length: u32, outcome: u32): void {
  const taps = tapsOf(queue);
  if (!taps) return;
  if (!beginTapBurst()) return skip(taps, 1);
  copyToTaps(taps, queue, packet, length, L.TAP_SENT, outcome);
  publishToTaps();
}

function skip(taps: u32, packets: u32): void {
  for (; taps; taps &= taps - 1) {
    const session = load<u32>(T.TAPS + ctz(taps) * T.TAP_BYTES, T.TAP_SESSION);
    if (session) count(session, L.COUNTER_TAP_SKIPPED, packets);
  }
}

function copyToTaps(taps: u32, queue: u32, packet: u32, length: u32, direction: u32, outcome: u32): void {
  const index: u32 = queue ? (queue - T.QUEUES) / T.QUEUE_BYTES : L.TAP_NO_QUEUE;
  const what = <u64>length | (<u64>(index | (direction << 16) | (outcome << 24)) << 32);
  for (; taps; taps &= taps - 1) copyToTap(T.TAPS + ctz(taps) * T.TAP_BYTES, packet, length, what);
}

/** Puts one record into one tap's ring, or counts why it could not. */
function copyToTap(tap: u32, packet: u32, length: u32, what: u64): void {
  const session = load<u32>(tap, T.TAP_SESSION);
  if (!session) return;
  const filter = load<u32>(tap, T.TAP_FILTER);
  if (filter && !fits(tap, filter, packet, length)) return;
  const producer = load<u32>(session, T.SESSION_RX_PRODUCER);
  const ringSize = load<u32>(session, T.SESSION_RING_SIZE);
  if (producer - load<u32>(session, T.SESSION_RX_CONSUMER_SEEN) >= ringSize && !lookForRoom(session, producer)) {
    count(session, L.COUNTER_RX_DROP_RING_FULL, 1);
    return;
  }
  const head = load<u32>(session, T.SESSION_FREE_HEAD);
  if (head == load<u32>(session, T.SESSION_FREE_TAIL) && !lookForFrames(session)) {
    count(session, L.COUNTER_RX_DROP_NO_FRAME, 1);
    return;
  }
  const slot = head & (load<u32>(session, T.SESSION_RX_FRAMES_COUNT) - 1);
  const index = load<u32>(load<u32>(session, T.SESSION_FREE_FRAMES) + (slot << 2));
  store<u32>(session, head + 1, T.SESSION_FREE_HEAD);
  store<u8>(load<u32>(session, T.SESSION_HOLDERS) + index, 1);

  const offset = load<u32>(session, T.SESSION_RX_FRAMES_OFFSET) + (index << load<u32>(session, T.SESSION_FRAME_SHIFT));
  const frame = load<u32>(session, T.SESSION_DISPATCHER_REGION) + offset;
  const captured = min(length, load<u32>(tap, T.TAP_SNAPLEN));
  store<u64>(frame, what);
  store<u64>(frame, now(), L.TAP_TIME);
  copyPacket(frame + L.TAP_PACKET, packet, captured);
  pay(captured + FIXED_COST);

  const descriptor =
    load<u32>(session, T.SESSION_RX_DESCRIPTORS) + ((producer & (ringSize - 1)) << L.DESCRIPTOR_SHIFT);
  store<u64>(descriptor, <u64>offset | (<u64>(captured + L.TAP_PACKET) << 32));
  store<u32>(session, producer + 1, T.SESSION_RX_PRODUCER);
  store<u32>(session, load<u32>(session, T.SESSION_BURST_BYTES) + captured, T.SESSION_BURST_BYTES);
}

// @ts-ignore: decorator
@inline
function pay(cost: u32): void {
  store<i32>(T.TAP_COMMON, load<i32>(T.TAP_COMMON, T.TAP_CREDIT) - <i32>(cost * SHARE), T.TAP_CREDIT);
}

/** Whether a packet fits a tap's filter. To find out costs time, too. */
function fits(tap: u32, filter: u32, packet: u32, length: u32): bool {
  pay(FIXED_COST);
  return runFilter(T.FILTERS + ((tap - T.TAPS) / T.TAP_BYTES) * T.FILTER_BYTES, filter, packet, length);
}

/** The burst's time: the clock is read for the first copy of each. */
// @ts-ignore: decorator
@inline
function now(): u64 {
  const known = load<u64>(T.TAP_COMMON, T.TAP_NOW);
  if (known) return known;
  readClock();
  const time =
    load<u64>(T.TAP_COMMON, T.TAP_TIMESPEC) * 1_000_000_000 + load<u64>(T.TAP_COMMON, T.TAP_TIMESPEC + 8);
  store<u64>(T.TAP_COMMON, time, T.TAP_NOW);
  return time;
}

/** Reads the reader's cursor anew, once a burst at the most; returns whether the ring has a free slot. */
function lookForRoom(session: u32, producer: u32): bool {
  if (load<u32>(session, T.SESSION_BURST_FULL)) return false;
  store<u32>(session, 1, T.SESSION_BURST_FULL);
  const ringSize = load<u32>(session, T.SESSION_RING_SIZE);
  const consumer = atomic.load<u32>(load<u32>(session, T.SESSION_CLIENT_REGION) + L.RX_CONSUMER);
  const filled = producer - consumer;
  if (filled > ringSize) {
    violate(session, T.VIOLATION_RX_CONSUMER);
    return false;
  }
  store<u32>(session, consumer, T.SESSION_RX_CONSUMER_SEEN);
  return filled < ringSize;
}

/** Takes returned frames back, once a burst at the most; returns whether there are some. */
function lookForFrames(session: u32): bool {
  if (load<u32>(session, T.SESSION_BURST_FRAMELESS)) return false;
  store<u32>(session, 1, T.SESSION_BURST_FRAMELESS);
  return reclaimFrames(session) > 0 && !load<u32>(session, T.SESSION_VIOLATION);
}

/** Hands the burst's records to their readers. */
function publishToTaps(): void {
  for (let tap: u32 = T.TAPS; tap < <u32>T.TAP_COMMON; tap += T.TAP_BYTES) {
    const session = load<u32>(tap, T.TAP_SESSION);
    if (session) publish(session);
  }
}

// @ts-ignore: decorator
@inline
function publish(session: u32): void {
  store<u32>(session, 0, T.SESSION_BURST_FULL);
  store<u32>(session, 0, T.SESSION_BURST_FRAMELESS);
  const producer = load<u32>(session, T.SESSION_RX_PRODUCER);
  const packets = producer - load<u32>(session, T.SESSION_RX_PUBLISHED);
  if (!packets) return;
  count(session, L.COUNTER_RX_PACKETS, packets);
  count(session, L.COUNTER_RX_BYTES, load<u32>(session, T.SESSION_BURST_BYTES));
  store<u32>(session, 0, T.SESSION_BURST_BYTES);
  store<u32>(session, producer, T.SESSION_RX_PUBLISHED);
  atomic.store<u32>(load<u32>(session, T.SESSION_DISPATCHER_REGION) + L.RX_PRODUCER, producer);
  noteSleepingTap(session);
}
