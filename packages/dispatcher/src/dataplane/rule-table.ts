import type { FlowMatch } from '@nicshare/driver';
import * as T from './tables.js';

/** A queue's match and the queue's index. */
export interface QueueMatch {
  readonly match: FlowMatch;
  readonly queue: number;
}

/** A 16-bit value in network order as a little-endian load of its bytes gives it. */
const networkOrder = (value: number): number => ((value & 0xff) << 8) | (value >>> 8);

export const queueRecord = (queue: number): number => T.QUEUES + queue * T.QUEUE_BYTES;

/** Writes the Classifier's rules, in the order in which they are tried. */
export function writeRules(view: DataView, matches: readonly QueueMatch[]): void {
  if (matches.length > T.MAX_RULES)
    throw new RangeError(`${matches.length} rules; the table holds ${T.MAX_RULES}`);
  matches.forEach(({ match, queue }, index) => {
    writeRule(view, T.RULES + index * T.RULE_BYTES, match, queue);
  });
  view.setUint32(T.PLANE + T.PLANE_RULE_COUNT, matches.length, true);
}

function writeRule(view: DataView, at: number, match: FlowMatch, queue: number): void {
  let fields = 0;
  const set = (field: number, offset: number, value: number | undefined): void => {
    if (value === undefined) return;
    fields |= field;
    view.setUint32(at + offset, value, true);
  };
  set(
    T.FIELD_ETHER_TYPE,
    T.RULE_ETHER_TYPE,
    match.etherType === undefined ? undefined : networkOrder(match.etherType),
  );
  set(T.FIELD_PROTOCOL, T.RULE_PROTOCOL, match.protocol);
  set(
    T.FIELD_PORT,
    T.RULE_PORT,
    match.destinationPort === undefined ? undefined : networkOrder(match.destinationPort),
  );
  if (match.destinationMac) {
    const mac = new DataView(Uint8Array.from(match.destinationMac).buffer);
    set(T.FIELD_MAC, T.RULE_MAC_LOW, mac.getUint32(0, true));
    set(T.FIELD_MAC, T.RULE_MAC_HIGH, mac.getUint16(4, true));
  }
  view.setUint32(at + T.RULE_FIELDS, fields, true);
  view.setUint32(at + T.RULE_QUEUE, queueRecord(queue), true);
}
