import * as L from '../../shm/src/layout';
import * as T from '../src/dataplane/tables';
import { violate } from './violation';

/** Reads the client's cursor anew, once a burst at the most; returns whether the rxRing has a free slot. */
export function lookForRoom(session: u32, producer: u32): bool {
  if (load<u32>(session, T.SESSION_BURST_FULL)) return false;
  const ringSize = load<u32>(session, T.SESSION_RING_SIZE);
  const consumer = atomic.load<u32>(load<u32>(session, T.SESSION_CLIENT_REGION) + L.RX_CONSUMER);
  const filled = producer - consumer;
  if (filled > ringSize) {
    violate(session, T.VIOLATION_RX_CONSUMER);
    return false;
  }
  store<u32>(session, consumer, T.SESSION_RX_CONSUMER_SEEN);
  if (filled < ringSize) return true;
  store<u32>(session, 1, T.SESSION_BURST_FULL);
  return false;
}
