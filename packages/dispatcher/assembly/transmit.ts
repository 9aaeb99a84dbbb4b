import * as L from '../../shm/src/layout';
import { BATCH_ENTRY, BATCH_LENGTH } from '../../driver/src/tables';
import * as T from '../src/dataplane/tables';
import { copyPacket } from './copy';
import { add, count } from './counters';
import { txBurst, txReserve } from './device';
import { tapRefused, tapSent } from './packet-tap';
import { violate } from './violation';
import { noteSleepingSender } from './wakeup';

/**
 * Sends what clients have put into their txRings, in turns. Who was served first comes last the next time: a turn
 * without room in the device, or with clients that have nothing to send, is no turn lost for the others.
 */
export function transmit(): u32 {
  const active = load<u32>(T.PLANE, T.PLANE_ACTIVE_COUNT);
  let turn = load<u32>(T.PLANE, T.PLANE_TURN);
  if (turn >= active) turn = 0;
  let packets: u32 = 0;
  for (let i: u32 = 0; i < active; i++) {
    let at = turn + i;
    if (at >= active) at -= active;
    const session = load<u32>(T.ACTIVE + (at << 2));
    if (load<u32>(session, T.SESSION_VIOLATION)) continue;
    const taken = transmitFrom(session);
    if (taken && !packets) store<u32>(T.PLANE, at + 1 < active ? at + 1 : 0, T.PLANE_TURN);
    packets += taken;
  }
  return packets;
}

/** Descriptors that wait in the txRing and whose completion has a slot, at most a burst; checks both cursors. */
// @ts-ignore: decorator
@inline
function waiting(session: u32): u32 {
  const client = load<u32>(session, T.SESSION_CLIENT_REGION);
  let packets = atomic.load<u32>(client + L.TX_PRODUCER) - load<u32>(session, T.SESSION_TX_CONSUMER);
  if (!packets) return 0;
  if (packets > load<u32>(session, T.SESSION_RING_SIZE)) {
    violate(session, T.VIOLATION_TX_PRODUCER);
    return 0;
  }
  if (packets > <u32>T.TX_BURST) packets = T.TX_BURST;
  const slots = completionSlots(session, packets);
  return packets < slots ? packets : slots;
}

/** Free slots of the completionRing: its consumer is read anew where the last one seen leaves fewer than `wanted`. */
function completionSlots(session: u32, wanted: u32): u32 {
  const size = load<u32>(session, T.SESSION_TX_FRAMES_COUNT);
  const producer = load<u32>(session, T.SESSION_COMPLETION_PRODUCER);
  const slots = size - (producer - load<u32>(session, T.SESSION_COMPLETION_CONSUMER_SEEN));
  if (slots >= wanted) return slots;
  const consumer = atomic.load<u32>(load<u32>(session, T.SESSION_CLIENT_REGION) + L.COMPLETION_CONSUMER);
  const filled = producer - consumer;
  if (filled > size) {
    violate(session, T.VIOLATION_COMPLETION_CONSUMER);
    return 0;
  }
  store<u32>(session, consumer, T.SESSION_COMPLETION_CONSUMER_SEEN);
  return size - filled;
}

/**
 * Copies one client's packets into the device's frames. A descriptor is read once, then checked: it must lie within
 * one TX frame. What the device cannot send is dropped and counted; the frame comes back all the same.
 */
// @ts-ignore: decorator
@inline
function transmitFrom(session: u32): u32 {
  const wanted = waiting(session);
  if (!wanted) return 0;
  const queue = load<u32>(session, T.SESSION_TX_QUEUE);
  const room = txReserve(queue, T.TX_BATCH, wanted);
  if (room < wanted) count(session, L.COUNTER_TX_DEVICE_FULL, 1);
  if (!room) return 0;

  const client = load<u32>(session, T.SESSION_CLIENT_REGION);
  const descriptors = load<u32>(session, T.SESSION_TX_DESCRIPTORS);
  const ringMask = load<u32>(session, T.SESSION_RING_SIZE) - 1;
  const framesOffset = load<u32>(session, T.SESSION_TX_FRAMES_OFFSET);
  const shift = load<u32>(session, T.SESSION_FRAME_SHIFT);
  const frameSize = <u32>1 << shift;
  const frames = load<u32>(session, T.SESSION_TX_FRAMES_COUNT);
  const maxPacket = load<u32>(session, T.SESSION_MAX_PACKET);
  const completions = load<u32>(session, T.SESSION_COMPLETION_ENTRIES);
  const consumer = load<u32>(session, T.SESSION_TX_CONSUMER);
  const completed = load<u32>(session, T.SESSION_COMPLETION_PRODUCER);
  let batched: u32 = 0;
  let bytes: u32 = 0;
  let taken: u32 = 0;
  for (; taken < room; taken++) {
    const descriptor = load<u64>(descriptors + (((consumer + taken) & ringMask) << L.DESCRIPTOR_SHIFT));
    const offset = <u32>descriptor;
    const length = <u32>(descriptor >>> 32) & 0xffff;
    const inFrames = offset - framesOffset;
    if (inFrames >>> shift >= frames || (inFrames & (frameSize - 1)) + length > frameSize) {
      violate(session, T.VIOLATION_TX_DESCRIPTOR);
      break;
    }
    store<u32>(completions + (((completed + taken) & (frames - 1)) << L.ENTRY_SHIFT), offset);
    if (length < <u32>L.ETHERNET_HEADER) {
      count(session, L.COUNTER_TX_DROP_RUNT, 1);
      refuse(session, client + offset, length, L.OUTCOME_RUNT);
    } else if (length > maxPacket) {
      count(session, L.COUNTER_TX_DROP_OVERSIZED, 1);
      refuse(session, client + offset, length, L.OUTCOME_OVERSIZED);
    } else {
      const entry: u32 = T.TX_BATCH + batched * BATCH_ENTRY;
      copyPacket(load<u32>(entry), client + offset, length);
      store<u32>(entry, length, BATCH_LENGTH);
      bytes += length;
      batched++;
    }
  }
  if (batched) {
    if (load<u32>(T.PLANE, T.PLANE_TAPS)) tapSent(load<u32>(session, T.SESSION_QUEUE), T.TX_BATCH, batched, bytes);
    txBurst(queue, T.TX_BATCH, batched);
  }
  add(T.PLANE + T.PLANE_SENT, batched);
  count(session, L.COUNTER_TX_PACKETS, batched);
  count(session, L.COUNTER_TX_BYTES, bytes);
  giveBack(session, consumer + taken, completed + taken);
  return taken;
}

/** What is not sent is shown to taps all the same. */
function refuse(session: u32, packet: u32, length: u32, outcome: u32): void {
  if (load<u32>(T.PLANE, T.PLANE_TAPS)) tapRefused(load<u32>(session, T.SESSION_QUEUE), packet, length, outcome);
}

/** Publishes both cursors: the slots of the txRing and the frames are the client's again. */
// @ts-ignore: decorator
@inline
function giveBack(session: u32, txConsumer: u32, completionProducer: u32): void {
  const region = load<u32>(session, T.SESSION_DISPATCHER_REGION);
  store<u32>(session, txConsumer, T.SESSION_TX_CONSUMER);
  store<u32>(session, completionProducer, T.SESSION_COMPLETION_PRODUCER);
  atomic.store<u32>(region + L.TX_CONSUMER, txConsumer);
  atomic.store<u32>(region + L.COMPLETION_PRODUCER, completionProducer);
  noteSleepingSender(session);
}

/** Whether a transmit turn would find work: PENDING_*. */
export function pendingTransmit(): u32 {
  const active = load<u32>(T.PLANE, T.PLANE_ACTIVE_COUNT);
  let pending: u32 = T.PENDING_NONE;
  for (let i: u32 = 0; i < active; i++) {
    const session = load<u32>(T.ACTIVE + (i << 2));
    if (load<u32>(session, T.SESSION_VIOLATION) || !waiting(session)) continue;
    if (txReserve(load<u32>(session, T.SESSION_TX_QUEUE), T.TX_BATCH, 1)) return T.PENDING_READY;
    pending = T.PENDING_DEVICE_FULL;
  }
  return pending;
}
