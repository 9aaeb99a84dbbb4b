import { COUNTERS } from '../../shm/src/layout';
import { SESSION_DISPATCHER_REGION } from '../src/dataplane/tables';

/** Adds to a u64 cell. */
// @ts-ignore: decorator
@inline
export function add(address: u32, amount: u32): void {
  store<u64>(address, load<u64>(address) + <u64>amount);
}

/** Adds to a counter of a session; the cells are in the memory that the client may read. */
// @ts-ignore: decorator
@inline
export function count(session: u32, counter: u32, amount: u32): void {
  add(load<u32>(session, SESSION_DISPATCHER_REGION) + COUNTERS + counter * 8, amount);
}
