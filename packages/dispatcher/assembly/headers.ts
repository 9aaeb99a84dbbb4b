import { BATCH_ENTRY } from '../../driver/src/tables';
import * as T from '../src/dataplane/tables';

/**
 * Has the headers of a whole burst come into the cache at once: WebAssembly has no prefetch, but loads that nobody waits
 * for run side by side, where the loop that reads packet by packet would wait for each. Their sum is stored, lest a
 * compiler leave them out.
 */
// @ts-ignore: decorator
@inline
export function fetchHeaders(end: u32): void {
  let sum: u32 = 0;
  for (let entry: u32 = T.RX_BATCH; entry < end; entry += BATCH_ENTRY) sum += load<u8>(load<u32>(entry));
  store<u32>(T.PLANE, sum, T.PLANE_HEADERS);
}
