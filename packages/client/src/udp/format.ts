/*
 * Where the fields of a UDP datagram over IPv4 and Ethernet stand (IEEE 802.3, clause 3; RFC 791, 3.1; RFC 768).
 * Offsets count from the start of the frame, those of IPV4_ and UDP_ from the start of their header.
 */
export const ETHER_TYPE = 12;
export const IPV4_AT = 14;
export const IPV4_TOTAL_LENGTH = 2;
export const IPV4_FLAGS = 6;
export const IPV4_PROTOCOL = 9;
export const IPV4_CHECKSUM = 10;
export const IPV4_SOURCE = 12;
export const IPV4_DESTINATION = 16;
export const IPV4_HEADER = 20;
export const UDP_DESTINATION_PORT = 2;
export const UDP_LENGTH = 4;
export const UDP_CHECKSUM = 6;
export const UDP_HEADER = 8;

/** Where the payload of a datagram without options starts. */
export const PAYLOAD_AT = IPV4_AT + IPV4_HEADER + UDP_HEADER;
/** Bytes that the two headers take of the MTU. */
export const HEADERS = IPV4_HEADER + UDP_HEADER;
/** Shortest frame on the wire, without its check sequence; shorter ones are filled with zeros. */
export const MIN_FRAME = 60;

export const ETHER_TYPE_IPV4 = 0x0800;
export const PROTOCOL_UDP = 17;
/** More-fragments bit and fragment offset, both 0 in a packet that is whole. */
export const FRAGMENT_BITS = 0x3fff;
/** Don't Fragment. */
export const DONT_FRAGMENT = 0x4000;
export const DEFAULT_TTL = 64;
/** 255.255.255.255 */
export const BROADCAST = 0xffffffff;

/** A 16-bit value between the network's byte order and that of this machine, which is little endian. */
export const swap16 = (value: number): number => ((value >>> 8) | (value << 8)) & 0xffff;
