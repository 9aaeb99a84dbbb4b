import { layout } from '@nicshare/shm';
import { toeplitz } from '../rss/toeplitz.js';
import { type Headers, readHeaders } from './headers.js';

const ADDRESSES = {
  4: { from: layout.ETHERNET_HEADER + 12, to: layout.ETHERNET_HEADER + 20 },
  6: { from: layout.ETHERNET_HEADER + 8, to: layout.ETHERNET_HEADER + 40 },
} as const;
const PORTS = 4;

/**
 * What a card spreads packets by: addresses and ports, or the addresses alone where there are no ports; 0 for what is
 * neither IPv4 nor IPv6. All packets of a flow in one direction have the same.
 */
export const receiveHash = (packet: Uint8Array): number => toeplitz(hashInput(packet, readHeaders(packet)));

function hashInput(packet: Uint8Array, { ipVersion, ports }: Headers): Uint8Array {
  if (ipVersion === undefined) return new Uint8Array(0);
  const { from, to } = ADDRESSES[ipVersion];
  const addresses = packet.subarray(from, to);
  if (ports === undefined) return addresses;
  return Uint8Array.from([...addresses, ...packet.subarray(ports, ports + PORTS)]);
}
