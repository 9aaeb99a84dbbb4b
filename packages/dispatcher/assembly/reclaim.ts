import * as L from '../../shm/src/layout';
import * as T from '../src/dataplane/tables';
import { auditLent, flushReturned, reclaimLent } from './shared';
import { violate } from './violation';

/** Takes back the frames that clients have returned; returns how many. */
export function reclaim(): u32 {
  const active = load<u32>(T.PLANE, T.PLANE_ACTIVE_COUNT);
  let frames: u32 = 0;
  for (let i: u32 = 0; i < active; i++) {
    const session = load<u32>(T.ACTIVE + (i << 2));
    if (!load<u32>(session, T.SESSION_VIOLATION)) frames += reclaimFrames(session);
  }
  if (load<u32>(T.PLANE, T.PLANE_SHARED_COUNT)) flushReturned();
  return frames;
}

/** Takes back what one client has put into its fillRing; returns how many frames. */
// @ts-ignore: decorator
@inline
export function reclaimFrames(session: u32): u32 {
  return load<u32>(session, T.SESSION_WINDOW) ? reclaimLent(session) : reclaimOwn(session);
}

/** RX frames that the session has left for packets to come. */
export function freeFrames(session: u32): u32 {
  return load<u32>(session, T.SESSION_WINDOW)
    ? load<u32>(session, T.SESSION_CREDIT) - load<u32>(session, T.SESSION_HELD)
    : load<u32>(session, T.SESSION_FREE_TAIL) - load<u32>(session, T.SESSION_FREE_HEAD);
}

/**
 * Mode isolated. Every entry is read once, then checked: it must name the
 * first byte of a frame of this session that the client holds.
 */
function reclaimOwn(session: u32): u32 {
  const client = load<u32>(session, T.SESSION_CLIENT_REGION);
  const consumer = load<u32>(session, T.SESSION_FILL_CONSUMER);
  const returned = atomic.load<u32>(client + L.FILL_PRODUCER) - consumer;
  if (!returned) return 0;
  const frames = load<u32>(session, T.SESSION_RX_FRAMES_COUNT);
  if (returned > frames) {
    violate(session, T.VIOLATION_FILL_PRODUCER);
    return 0;
  }
  const mask = frames - 1;
  const entries = load<u32>(session, T.SESSION_FILL_ENTRIES);
  const framesOffset = load<u32>(session, T.SESSION_RX_FRAMES_OFFSET);
  const shift = load<u32>(session, T.SESSION_FRAME_SHIFT);
  const inFrame = (<u32>1 << shift) - 1;
  const holders = load<u32>(session, T.SESSION_HOLDERS);
  const free = load<u32>(session, T.SESSION_FREE_FRAMES);
  let tail = load<u32>(session, T.SESSION_FREE_TAIL);
  for (let i: u32 = 0; i < returned; i++) {
    const offset = load<u32>(entries + (((consumer + i) & mask) << L.ENTRY_SHIFT)) - framesOffset;
    const index = offset >>> shift;
    if (offset & inFrame || index >= frames) {
      return breakOff(session, tail, T.VIOLATION_FILL_ENTRY);
    }
    if (!load<u8>(holders + index)) {
      return breakOff(session, tail, T.VIOLATION_FRAME_NOT_HELD);
    }
    store<u8>(holders + index, 0);
    store<u32>(free + ((tail & mask) << 2), index);
    tail++;
  }
  store<u32>(session, tail, T.SESSION_FREE_TAIL);
  store<u32>(session, consumer + returned, T.SESSION_FILL_CONSUMER);
  atomic.store<u32>(load<u32>(session, T.SESSION_DISPATCHER_REGION) + L.FILL_CONSUMER, consumer + returned);
  return returned;
}

/** What was taken back before the violation stays so: the ledger is right at the session's end too. */
function breakOff(session: u32, tail: u32, violation: u32): u32 {
  store<u32>(session, tail, T.SESSION_FREE_TAIL);
  violate(session, violation);
  return 0;
}

/** The ledger's check: returns by how many frames `free + held` differs from all frames of the session; 0 is right. */
export function audit(session: u32): i32 {
  if (load<u32>(session, T.SESSION_WINDOW)) return auditLent(session);
  const frames = load<u32>(session, T.SESSION_RX_FRAMES_COUNT);
  const holders = load<u32>(session, T.SESSION_HOLDERS);
  let held: u32 = 0;
  for (let i: u32 = 0; i < frames; i++) held += load<u8>(holders + i);
  return <i32>(freeFrames(session) + held - frames);
}
