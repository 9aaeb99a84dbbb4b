/*
 * The exception path: what no queue takes goes to an interface of the kernel, and what the kernel sends there goes out
 * by the device. A packet costs a system call either way.
 */
import * as L from '../../shm/src/layout';
import { BATCH_ENTRY, BATCH_LENGTH } from '../../driver/src/tables';
import * as T from '../src/dataplane/tables';
import { add } from './counters';
import { txBurst, txReserve } from './device';
import { tapSent } from './packet-tap';

/** Hands a packet to the kernel; returns what became of it: KERNEL_*. */
// @ts-ignore: decorator
@external('kernel', 'write')
declare function write(queue: u32, packet: u32, length: u32): u32;
/** Takes a packet that the kernel sends into a frame; returns its length, cut at the capacity; 0: there is none. */
// @ts-ignore: decorator
@external('kernel', 'read')
declare function read(queue: u32, frame: u32, capacity: u32): u32;

/** Sets a packet that no rule takes aside for the kernel, or counts it as lost: returns OUTCOME_*, DONE where it goes there. */
// @ts-ignore: decorator
@inline
export function leave(entry: u32, aside: u32): u32 {
  const unmatched = load<u32>(T.PLANE, T.PLANE_UNMATCHED);
  if (unmatched == T.UNMATCHED_KERNEL) {
    store<u32>(T.SET_ASIDE + (aside << 2), entry);
    return L.OUTCOME_DONE;
  }
  const passed = unmatched == T.UNMATCHED_PASS;
  add(T.PLANE + (passed ? T.PLANE_NOT_PASSED : T.PLANE_UNMATCHED_DROPPED), 1);
  return passed ? L.OUTCOME_NOT_PASSED : L.OUTCOME_UNMATCHED;
}

// @ts-ignore: decorator
@inline
function countOutcome(outcome: u32): void {
  add(T.PLANE + T.PLANE_KERNEL_OUTCOMES + (outcome << 3), 1);
}

/** Hands over what was set aside of an RxQueue's burst; one RxQueue, one queue of the kernel's: flows keep their order. */
export function handToKernel(rxQueue: u32, aside: u32): void {
  const queue = rxQueue % load<u32>(T.PLANE, T.PLANE_KERNEL_QUEUES);
  for (let i: u32 = 0; i < aside; i++) {
    const entry = load<u32>(T.SET_ASIDE + (i << 2));
    countOutcome(write(queue, load<u32>(entry), load<u32>(entry, BATCH_LENGTH)));
  }
}

/** Sends a burst of each of the kernel's queues; returns the packets taken. What the device has no room for stays there. */
export function sendForKernel(): u32 {
  const queues = load<u32>(T.PLANE, T.PLANE_KERNEL_QUEUES);
  let taken: u32 = 0;
  for (let queue: u32 = 0; queue < queues; queue++) taken += sendFrom(queue);
  return taken;
}

function sendFrom(queue: u32): u32 {
  const txQueue = queue % load<u32>(T.PLANE, T.PLANE_TX_QUEUES);
  const room = txReserve(txQueue, T.TX_BATCH, T.TX_BURST);
  const longest = load<u32>(T.PLANE, T.PLANE_MAX_PACKET);
  const capacity = load<u32>(T.PLANE, T.PLANE_KERNEL_CAPACITY);
  let batched: u32 = 0;
  let bytes: u32 = 0;
  let taken: u32 = 0;
  for (; taken < room; taken++) {
    const entry: u32 = T.TX_BATCH + batched * BATCH_ENTRY;
    const length = read(queue, load<u32>(entry), capacity);
    if (!length) break;
    if (length < <u32>L.ETHERNET_HEADER) {
      countOutcome(T.KERNEL_RUNT);
    } else if (length > longest) {
      countOutcome(T.KERNEL_OVERSIZED);
    } else {
      store<u32>(entry, length, BATCH_LENGTH);
      bytes += length;
      batched++;
    }
  }
  if (!taken) return 0;
  if (batched) {
    if (load<u32>(T.PLANE, T.PLANE_TAPS)) tapSent(0, T.TX_BATCH, batched, bytes);
    txBurst(txQueue, T.TX_BATCH, batched);
  }
  add(T.PLANE + T.PLANE_SENT, batched);
  add(T.PLANE + T.PLANE_FROM_KERNEL, batched);
  return taken;
}
