import * as L from '../../shm/src/layout';
import * as T from '../src/dataplane/tables';
import { lookAtNextBurst } from './latency';

/** Tells every client that we are about to sleep (an epoch that is new and not 0), or that we are awake (0). */
export function announceSleep(epoch: u32): void {
  lookAtNextBurst();
  const active = load<u32>(T.PLANE, T.PLANE_ACTIVE_COUNT);
  for (let i: u32 = 0; i < active; i++) {
    const session = load<u32>(T.ACTIVE + (i << 2));
    atomic.store<u32>(load<u32>(session, T.SESSION_DISPATCHER_REGION) + L.DISPATCHER_SLEEP, epoch);
  }
}
