/*
 * The layout of the stack snapshot: the kernel's neighbours and routes as a dispatcher mirrors them for its clients.
 * The dispatcher alone writes it; clients map it read-only. Plain constants, as in layout.ts. All values are u32, little
 * endian; all offsets are bytes.
 *
 *   0        header: magic, version
 *   128      generation: odd while the dispatcher writes
 *   256      the interface: index (0: it is gone), MTU, IPv4 source, name
 *   384      counts of what is below
 *   4096     neighbours: a hash table with linear probing; a slot whose state is 0 ends a probe
 *   ...      addresses of the interface, in the kernel's order
 *   ...      routes: what is to be done with a packet; number 0 is "no route"
 *   ...      IPv4 ranges, IPv6 ranges: first address of each, in order, and beside it the number of its route
 *
 * Ranges: the routing tables, cut where the longest matching prefix changes. The range of an address is the last one
 * that begins at or before it, so a binary search finds the route, whatever tables, prefixes and metrics led to it.
 *
 * Reading: load the generation (again while it is odd), read, load it once more; where it changed, read anew. The
 * generation is loaded atomically, all cells are stored atomically: that keeps this order on every processor.
 *
 * IP addresses are four u32 in the order of the text, an IPv4 one as ::ffff:a.b.c.d (RFC 4291, section 2.5.5.2).
 */

/** 'STCK' in ASCII, little endian. */
export const STACK_MAGIC = 0x4b435453;
/** Raised whenever anything in this file changes. */
export const STACK_VERSION = 1;

export const STACK_HEADER_MAGIC = 0;
export const STACK_HEADER_VERSION = STACK_HEADER_MAGIC + 4;

export const GENERATION = 128;

export const INTERFACE_INDEX = 256;
/** Bytes of an IP packet. */
export const INTERFACE_MTU = INTERFACE_INDEX + 4;
/** The address that the kernel sends IPv4 broadcasts and multicasts of the interface from; 0 where it has none. */
export const INTERFACE_SOURCE = INTERFACE_MTU + 4;
/** Zero-terminated; 16 bytes, as IFNAMSIZ of linux/if.h. */
export const INTERFACE_NAME = INTERFACE_SOURCE + 4;
export const NAME_BYTES = 16;

export const COUNTS = 384;
export const COUNT_NEIGHBOURS = COUNTS;
export const COUNT_ADDRESSES = COUNT_NEIGHBOURS + 4;
export const COUNT_ROUTES = COUNT_ADDRESSES + 4;
export const COUNT_RANGES4 = COUNT_ROUTES + 4;
export const COUNT_RANGES6 = COUNT_RANGES4 + 4;

export const MAX_NEIGHBOURS = 4096;
export const MAX_ADDRESSES = 256;
/** Of each family. */
export const MAX_ROUTES = 4096;
/** A prefix cuts its table twice at most; three tables begin somewhere. */
export const MAX_RANGES = 2 * MAX_ROUTES + 4;

/** Twice as many slots as neighbours: a probe is short. A power of two. */
export const NEIGHBOUR_SLOTS = 2 * MAX_NEIGHBOURS;
export const NEIGHBOURS = 4096;
export const NEIGHBOUR_ADDRESS = 0;
/** The first four bytes of the MAC address, as a little-endian u32. */
export const NEIGHBOUR_MAC_LOW = NEIGHBOUR_ADDRESS + 16;
/** The last two bytes in the lower half, the state (NUD_*) in the upper one. */
export const NEIGHBOUR_MAC_HIGH = NEIGHBOUR_MAC_LOW + 4;
export const NEIGHBOUR_BYTES = 32;

export const ADDRESSES = NEIGHBOURS + NEIGHBOUR_SLOTS * NEIGHBOUR_BYTES;
export const ADDRESS_ADDRESS = 0;
export const ADDRESS_PREFIX = ADDRESS_ADDRESS + 16;
/** Bits: ADDRESS_*. */
export const ADDRESS_FLAGS = ADDRESS_PREFIX + 4;
export const ADDRESS_BYTES = 32;
/** It may be sent from: duplicate address detection (RFC 4862) is through. */
export const ADDRESS_USABLE = 1;
/** Its preferred lifetime is over. */
export const ADDRESS_DEPRECATED = 2;
/** A temporary address (RFC 8981). */
export const ADDRESS_TEMPORARY = 4;

export const ROUTES = ADDRESSES + MAX_ADDRESSES * ADDRESS_BYTES;
/** KIND_*. */
export const ROUTE_KIND = 0;
/** Bytes of an IP packet. */
export const ROUTE_MTU = ROUTE_KIND + 4;
/** All zero where the destination itself is the next hop. */
export const ROUTE_GATEWAY = ROUTE_MTU + 4;
/** All zero where the source depends on the destination (IPv6, RFC 6724). */
export const ROUTE_SOURCE = ROUTE_GATEWAY + 16;
/** The interface that it leads through, as INTERFACE_NAME. */
export const ROUTE_INTERFACE = ROUTE_SOURCE + 16;
export const ROUTE_BYTES = 64;

export const KIND_NONE = 0;
/** Through the device, to the gateway or to the destination itself. */
export const KIND_DEVICE = 1;
/** The same to all hosts of a subnet. */
export const KIND_BROADCAST = 2;
/** An address of this machine. */
export const KIND_LOCAL = 3;
/** Through another interface. */
export const KIND_ELSEWHERE = 4;
export const KIND_UNREACHABLE = 5;
export const KIND_PROHIBIT = 6;
export const KIND_BLACKHOLE = 7;

export const RANGES4_START = ROUTES + (2 * MAX_ROUTES + 1) * ROUTE_BYTES;
export const RANGES4_ROUTE = RANGES4_START + MAX_RANGES * 4;
export const RANGES6_START = RANGES4_ROUTE + MAX_RANGES * 4;
export const RANGES6_ROUTE = RANGES6_START + MAX_RANGES * 16;
export const STACK_BYTES = RANGES6_ROUTE + MAX_RANGES * 4;

// States of a neighbour: linux/neighbour.h.
export const NUD_INCOMPLETE = 0x01;
export const NUD_REACHABLE = 0x02;
export const NUD_STALE = 0x04;
export const NUD_DELAY = 0x08;
export const NUD_PROBE = 0x10;
export const NUD_FAILED = 0x20;
export const NUD_NOARP = 0x40;
export const NUD_PERMANENT = 0x80;
/** In any of these a neighbour's MAC address is used, as the kernel does (NUD_VALID of net/neighbour.h). */
export const NUD_VALID = 0xde;
