import type { FlowMatch } from '../rules.js';
import { type Headers, readHeaders } from './headers.js';

const DESTINATION_PORT = 2;

/** Index of the first match that fits a packet, or -1. In TypeScript, for what is no hot path. */
export function firstMatch(matches: readonly FlowMatch[], packet: Uint8Array): number {
  const headers = readHeaders(packet);
  return matches.findIndex((match) => fits(match, packet, headers));
}

function fits(match: FlowMatch, packet: Uint8Array, headers: Headers): boolean {
  const { etherType, protocol, destinationPort, destinationMac } = match;
  if (etherType !== undefined && etherType !== headers.etherType) return false;
  if (protocol !== undefined && protocol !== headers.protocol) return false;
  if (destinationPort !== undefined && destinationPort !== portOf(packet, headers)) return false;
  if (destinationMac === undefined) return true;
  return headers.etherType !== undefined && destinationMac.every((byte, index) => byte === packet[index]);
}

function portOf(packet: Uint8Array, { ports }: Headers): number | undefined {
  if (ports === undefined) return undefined;
  const at = ports + DESTINATION_PORT;
  return (packet[at]! << 8) | packet[at + 1]!;
}
