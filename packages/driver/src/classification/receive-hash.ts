import { layout } from '@nicshare/shm';
import { type Headers, readHeaders } from './headers.js';

/** The key that Microsoft's verification suite of receive-side scaling uses, and most cards by default. */
const KEY = Uint8Array.from(
  Buffer.from('6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa', 'hex'),
);

const ADDRESSES = {
  4: { from: layout.ETHERNET_HEADER + 12, to: layout.ETHERNET_HEADER + 20 },
  6: { from: layout.ETHERNET_HEADER + 8, to: layout.ETHERNET_HEADER + 40 },
} as const;
const PORTS = 4;

/** Toeplitz hash ("Introduction to Receive Side Scaling", "RSS Hashing Functions"): for each set bit the key from there. */
export function toeplitz(data: Uint8Array): number {
  let hash = 0;
  let window = ((KEY[0]! << 24) | (KEY[1]! << 16) | (KEY[2]! << 8) | KEY[3]!) >>> 0;
  data.forEach((byte, index) => {
    const next = KEY[index + 4]!;
    for (let bit = 7; bit >= 0; bit--) {
      if ((byte >>> bit) & 1) hash ^= window;
      window = ((window << 1) | ((next >>> bit) & 1)) >>> 0;
    }
  });
  return hash >>> 0;
}

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
