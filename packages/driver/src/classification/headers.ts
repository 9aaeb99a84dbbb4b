import { layout } from '@nicshare/shm';

const ETHER_TYPE = 12;
const ETHER_TYPE_IPV4 = 0x0800;
const ETHER_TYPE_IPV6 = 0x86dd;
const NETWORK = layout.ETHERNET_HEADER;
const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const IPV4_FRAGMENT = 6;
const IPV4_PROTOCOL = 9;
const IPV6_NEXT_HEADER = 6;
/** RFC 791: of the fragment field, without the flags. */
const FRAGMENT_OFFSET = 0x1fff;
/** Source and destination port: the first four bytes of all transport headers that have ports. */
const PORTS = 4;
/** TCP, UDP, SCTP, UDP-Lite (IANA protocol numbers). */
const WITH_PORTS: readonly number[] = [6, 17, 132, 136];

/** What stands in a packet's headers; a field that is missing does not exist there. See FlowMatch on how they are read. */
export interface Headers {
  readonly etherType?: number;
  readonly ipVersion?: 4 | 6;
  readonly protocol?: number;
  /** Where the ports stand, as an offset in the packet. */
  readonly ports?: number;
}

const u16 = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!;

/** Reads a packet's headers as FlowMatch says. */
export function readHeaders(packet: Uint8Array): Headers {
  if (packet.length < layout.ETHERNET_HEADER) return {};
  const etherType = u16(packet, ETHER_TYPE);
  if (etherType === ETHER_TYPE_IPV4) return { etherType, ...readIpv4(packet) };
  return etherType === ETHER_TYPE_IPV6 ? { etherType, ...readIpv6(packet) } : { etherType };
}

function readIpv4(packet: Uint8Array): Headers {
  if (packet.length < NETWORK + IPV4_HEADER || packet[NETWORK]! >>> 4 !== 4) return {};
  const header = (packet[NETWORK]! & 15) * 4;
  if (header < IPV4_HEADER || NETWORK + header > packet.length) return {};
  const protocol = packet[NETWORK + IPV4_PROTOCOL]!;
  const later = (u16(packet, NETWORK + IPV4_FRAGMENT) & FRAGMENT_OFFSET) !== 0;
  return { ipVersion: 4, protocol, ...(!later && readPorts(packet, protocol, NETWORK + header)) };
}

function readIpv6(packet: Uint8Array): Headers {
  if (packet.length < NETWORK + IPV6_HEADER || packet[NETWORK]! >>> 4 !== 6) return {};
  const protocol = packet[NETWORK + IPV6_NEXT_HEADER]!;
  return { ipVersion: 6, protocol, ...readPorts(packet, protocol, NETWORK + IPV6_HEADER) };
}

const readPorts = (packet: Uint8Array, protocol: number, ports: number): Headers =>
  WITH_PORTS.includes(protocol) && ports + PORTS <= packet.length ? { ports } : {};
