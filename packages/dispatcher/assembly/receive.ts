import * as L from '../../shm/src/layout';
import { BATCH_ENTRY, BATCH_LENGTH, MAX_BURST } from '../../driver/src/tables';
import * as T from '../src/dataplane/tables';
import { classify } from './classifier';
import { copyPacket } from './copy';
import { add, count } from './counters';
import { rxBurst, rxRelease } from './device';
import { handToKernel, leave } from './exception';
import { fetchHeaders } from './headers';
import { burstTime, sample } from './latency';
import { beginTapBurst, beginTapTurn, endReceivedBurst, tapReceived } from './packet-tap';
import { freeFrames, reclaimFrames } from './reclaim';
import { lookForRoom } from './rx-ring';
import { keepReturned, LENT, lend } from './shared';
import { noteSleepingReceiver } from './wakeup';

/** Takes one burst from each RxQueue of the device and delivers it; returns the number of packets taken. */
export function receive(): u32 {
  if (load<u32>(T.PLANE, T.PLANE_HOLD) && !allHaveRoom()) return 0;
  const queues = load<u32>(T.PLANE, T.PLANE_RX_QUEUES);
  let taken: u32 = 0;
  if (load<u32>(T.PLANE, T.PLANE_TAPS)) {
    beginTapTurn();
    for (let queue: u32 = 0; queue < queues; queue++) taken += receiveFrom(queue, true);
  } else {
    for (let queue: u32 = 0; queue < queues; queue++) taken += receiveFrom(queue, false);
  }
  return taken;
}

/** `tapped` is a constant of each call: without taps the loop is compiled without them. */
// @ts-ignore: decorator
@inline
function receiveFrom(queue: u32, tapped: bool): u32 {
  const taken = rxBurst(queue, T.RX_BATCH, MAX_BURST);
  if (!taken) return 0;
  const time: f64 = load<u32>(T.PLANE, T.PLANE_SAMPLED) ? burstTime() : 0;
  const copies = tapped && beginTapBurst();
  const end: u32 = T.RX_BATCH + taken * BATCH_ENTRY;
  fetchHeaders(end);
  let bytes: u32 = 0;
  let touched: u32 = 0;
  let aside: u32 = 0;
  let lent: u32 = 0;
  for (let entry: u32 = T.RX_BATCH; entry < end; entry += BATCH_ENTRY) {
    const packet = load<u32>(entry);
    const length = load<u32>(entry, BATCH_LENGTH);
    bytes += length;
    const target = classify(packet, length);
    if (!target) {
      const outcome = leave(entry, aside);
      if (outcome == L.OUTCOME_DONE) aside++;
      if (tapped) tapReceived(copies, 0, packet, length, outcome);
      continue;
    }
    const session = load<u32>(target, T.QUEUE_SESSION);
    if (!session) {
      add(target + T.QUEUE_NO_CLIENT, 1);
      if (tapped) tapReceived(copies, target, packet, length, L.OUTCOME_NO_CLIENT);
      continue;
    }
    // A producer that has moved, or a ring found full: the session is in the list of those touched already.
    if (
      load<u32>(session, T.SESSION_RX_PRODUCER) == load<u32>(session, T.SESSION_RX_PUBLISHED) &&
      !load<u32>(session, T.SESSION_BURST_FULL)
    ) {
      store<u64>(T.TOUCHED + (touched << T.TOUCHED_SHIFT), <u64>session | (<u64>entry << 32));
      touched++;
    }
    let outcome: u32;
    if (!load<u32>(session, T.SESSION_WINDOW)) {
      outcome = deliver(session, packet, length);
    } else {
      outcome = lend(session, queue, packet, length);
      if (outcome == L.OUTCOME_DONE) {
        store<u32>(entry, LENT, BATCH_LENGTH);
        lent++;
      }
    }
    if (tapped) tapReceived(copies, target, packet, length, outcome);
  }
  if (tapped) endReceivedBurst(copies, taken, bytes);
  if (time) sample(queue, touched, time);
  for (let i: u32 = 0; i < touched; i++) publish(load<u32>(T.TOUCHED + (i << T.TOUCHED_SHIFT)));
  if (aside) handToKernel(queue, aside);
  if (lent < taken) rxRelease(queue, T.RX_BATCH, lent ? keepReturned(taken) : taken);
  add(T.PLANE + T.PLANE_RECEIVED, taken);
  add(T.PLANE + T.PLANE_RECEIVED_BYTES, bytes);
  return taken;
}

/** Copies a packet into a free frame of the session and writes its descriptor, or counts why not: the OUTCOME_*. */
// @ts-ignore: decorator
@inline
function deliver(session: u32, packet: u32, length: u32): u32 {
  const producer = load<u32>(session, T.SESSION_RX_PRODUCER);
  const ringSize = load<u32>(session, T.SESSION_RING_SIZE);
  if (producer - load<u32>(session, T.SESSION_RX_CONSUMER_SEEN) >= ringSize && !lookForRoom(session, producer)) {
    count(session, L.COUNTER_RX_DROP_RING_FULL, 1);
    return L.OUTCOME_RING_FULL;
  }
  const shift = load<u32>(session, T.SESSION_FRAME_SHIFT);
  if (length > <u32>1 << shift) {
    count(session, L.COUNTER_RX_DROP_OVERSIZED, 1);
    return L.OUTCOME_OVERSIZED;
  }
  const head = load<u32>(session, T.SESSION_FREE_HEAD);
  if (head == load<u32>(session, T.SESSION_FREE_TAIL) && !(reclaimFrames(session) && !load<u32>(session, T.SESSION_VIOLATION))) {
    count(session, L.COUNTER_RX_DROP_NO_FRAME, 1);
    return L.OUTCOME_NO_FRAME;
  }
  const slot = head & (load<u32>(session, T.SESSION_RX_FRAMES_COUNT) - 1);
  const index = load<u32>(load<u32>(session, T.SESSION_FREE_FRAMES) + (slot << 2));
  store<u32>(session, head + 1, T.SESSION_FREE_HEAD);
  store<u8>(load<u32>(session, T.SESSION_HOLDERS) + index, 1);

  const offset = load<u32>(session, T.SESSION_RX_FRAMES_OFFSET) + (index << shift);
  copyPacket(load<u32>(session, T.SESSION_DISPATCHER_REGION) + offset, packet, length);

  const descriptor =
    load<u32>(session, T.SESSION_RX_DESCRIPTORS) + ((producer & (ringSize - 1)) << L.DESCRIPTOR_SHIFT);
  store<u64>(descriptor, <u64>offset | (<u64>length << 32));
  store<u32>(session, producer + 1, T.SESSION_RX_PRODUCER);
  store<u32>(session, load<u32>(session, T.SESSION_BURST_BYTES) + length, T.SESSION_BURST_BYTES);
  return L.OUTCOME_DONE;
}

/** Hands the burst's descriptors to the client, counts them, and notes whether it sleeps. */
// @ts-ignore: decorator
@inline
function publish(session: u32): void {
  store<u32>(session, 0, T.SESSION_BURST_FULL);
  const producer = load<u32>(session, T.SESSION_RX_PRODUCER);
  const packets = producer - load<u32>(session, T.SESSION_RX_PUBLISHED);
  if (!packets) return;
  count(session, L.COUNTER_RX_PACKETS, packets);
  count(session, L.COUNTER_RX_BYTES, load<u32>(session, T.SESSION_BURST_BYTES));
  store<u32>(session, 0, T.SESSION_BURST_BYTES);
  store<u32>(session, producer, T.SESSION_RX_PUBLISHED);
  atomic.store<u32>(load<u32>(session, T.SESSION_DISPATCHER_REGION) + L.RX_PRODUCER, producer);
  noteSleepingReceiver(session);
}

/** Whether every session can take a whole burst of each RxQueue. */
function allHaveRoom(): bool {
  const wanted: u32 = load<u32>(T.PLANE, T.PLANE_RX_QUEUES) * MAX_BURST;
  const active = load<u32>(T.PLANE, T.PLANE_ACTIVE_COUNT);
  for (let i: u32 = 0; i < active; i++) {
    const session = load<u32>(T.ACTIVE + (i << 2));
    if (!load<u32>(session, T.SESSION_VIOLATION) && !hasRoom(session, wanted)) return false;
  }
  return true;
}

function hasRoom(session: u32, wanted: u32): bool {
  const limit = load<u32>(session, T.SESSION_RING_SIZE) - wanted;
  const producer = load<u32>(session, T.SESSION_RX_PRODUCER);
  if (producer - load<u32>(session, T.SESSION_RX_CONSUMER_SEEN) > limit) {
    lookForRoom(session, producer);
    store<u32>(session, 0, T.SESSION_BURST_FULL);
    if (producer - load<u32>(session, T.SESSION_RX_CONSUMER_SEEN) > limit) return false;
  }
  const frames = min(wanted, load<u32>(session, T.SESSION_CREDIT));
  const free = freeFrames(session);
  if (free >= frames) return true;
  return free + reclaimFrames(session) >= frames;
}
