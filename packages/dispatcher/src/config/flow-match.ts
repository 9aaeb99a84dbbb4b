import type { FlowMatch } from '@nicshare/driver';
import { parseMac } from '@nicshare/shm';
import type { QueueMatch } from '../dataplane/rule-table.js';
import { ETHER_TYPES, PROTOCOLS, type QueueConfig } from './schema.js';

const numberOf = (names: Readonly<Record<string, number>>, value: string | number): number =>
  typeof value === 'number' ? value : names[value]!;

/** What a queue's configuration says of its packets. */
export function flowMatch(match: QueueConfig['match']): FlowMatch {
  if (match === 'any') return {};
  const { etherType, protocol, destinationPort, destinationMac } = match;
  return {
    ...(etherType !== undefined && { etherType: numberOf(ETHER_TYPES, etherType) }),
    ...(protocol !== undefined && { protocol: numberOf(PROTOCOLS, protocol) }),
    ...(destinationPort !== undefined && { destinationPort }),
    ...(destinationMac !== undefined && { destinationMac: parseMac(destinationMac) }),
  };
}

/** All queues' matches in the order in which they are tried: by priority, the lowest number first, then as written. */
export function orderedMatches(queues: readonly QueueConfig[]): QueueMatch[] {
  return queues
    .map((config, queue) => ({ match: flowMatch(config.match), queue, priority: config.priority }))
    .sort((a, b) => a.priority - b.priority)
    .map(({ match, queue }) => ({ match, queue }));
}
