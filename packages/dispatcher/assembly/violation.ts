import { PLANE, PLANE_VIOLATIONS, QUEUE_SESSION, SESSION_QUEUE, SESSION_VIOLATION } from '../src/dataplane/tables';

/** Notes that a client broke a rule of its rings: from now on no step touches the session; the Conductor ends it. */
export function violate(session: u32, violation: u32): void {
  if (load<u32>(session, SESSION_VIOLATION)) return;
  store<u32>(session, violation, SESSION_VIOLATION);
  store<u32>(load<u32>(session, SESSION_QUEUE), 0, QUEUE_SESSION);
  store<u32>(PLANE, load<u32>(PLANE, PLANE_VIOLATIONS) + 1, PLANE_VIOLATIONS);
}
