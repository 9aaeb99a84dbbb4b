import * as L from '../../shm/src/layout';
import * as T from '../src/dataplane/tables';

/*
 * A client that is about to sleep writes a new non-zero epoch into its region, then looks at the ring once more. We
 * publish first, then read the epoch: one of the two sees the other. Each epoch is answered once.
 */

// @ts-ignore: decorator
@inline
function note(session: u32, cell: u32, woken: u32, due: u32, sum: u32): void {
  const epoch = atomic.load<u32>(load<u32>(session, T.SESSION_CLIENT_REGION) + cell);
  if (!epoch || epoch == load<u32>(session + woken)) return;
  store<u32>(session + due, epoch);
  store<u32>(T.PLANE + sum, load<u32>(T.PLANE + sum) + 1);
}

/** Notes that a wakeup is due where the client sleeps until packets come. */
// @ts-ignore: decorator
@inline
export function noteSleepingReceiver(session: u32): void {
  note(session, L.CLIENT_SLEEP_RX, T.SESSION_WOKEN_RX, T.SESSION_DUE_RX, T.PLANE_WAKEUPS_DUE);
}

/** Notes that a wakeup is due where the client sleeps until TX frames are free. */
// @ts-ignore: decorator
@inline
export function noteSleepingSender(session: u32): void {
  note(session, L.CLIENT_SLEEP_TX, T.SESSION_WOKEN_TX, T.SESSION_DUE_TX, T.PLANE_WAKEUPS_DUE);
}

/** The same for the reader of a tap, which waits longer than a client: its wakeups shall not cost the others time. */
// @ts-ignore: decorator
@inline
export function noteSleepingTap(session: u32): void {
  note(session, L.CLIENT_SLEEP_RX, T.SESSION_WOKEN_RX, T.SESSION_DUE_RX, T.PLANE_TAP_WAKEUPS_DUE);
}
