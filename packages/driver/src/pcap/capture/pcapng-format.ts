/* The numbers of draft-ietf-opsawg-pcapng that reader and writer share. Section numbers are that draft's. */

// 3.1: what all blocks have. The total length stands at both ends.
export const BLOCK_TYPE = 0;
export const BLOCK_LENGTH = 4;
export const BLOCK_BODY = 8;
export const BLOCK_TRAILER = 4;
export const MIN_BLOCK = BLOCK_BODY + BLOCK_TRAILER;

// 4.1: Section Header Block. Its type reads the same in both byte orders.
export const SECTION_HEADER = 0x0a0d0d0a;
export const SECTION_MAGIC = 8;
export const SECTION_MAJOR = 12;
export const MIN_SECTION_HEADER = 28;
export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
export const MAJOR_VERSION = 1;

// 4.2: Interface Description Block.
export const INTERFACE_DESCRIPTION = 1;
export const INTERFACE_LINK_TYPE = 8;
export const INTERFACE_SNAP_LENGTH = 12;
export const INTERFACE_OPTIONS = 16;
export const MIN_INTERFACE_DESCRIPTION = 20;

// 4.3: Enhanced Packet Block.
export const ENHANCED_PACKET = 6;
export const PACKET_INTERFACE = 8;
export const PACKET_TIME_HIGH = 12;
export const PACKET_TIME_LOW = 16;
export const PACKET_CAPTURED = 20;
export const PACKET_ORIGINAL = 24;
export const PACKET_BYTES = 28;
export const MIN_ENHANCED_PACKET = 32;

// 4.4: Simple Packet Block.
export const SIMPLE_PACKET = 3;
export const SIMPLE_ORIGINAL = 8;
export const SIMPLE_BYTES = 12;
export const MIN_SIMPLE_PACKET = 16;

// Appendix A: the obsolete Packet Block; as the enhanced one, but for an interface of 16 bits.
export const OBSOLETE_PACKET = 2;

// 4.6: Interface Statistics Block.
export const INTERFACE_STATISTICS = 5;
export const MIN_INTERFACE_STATISTICS = 24;

// 3.5: options; 4.2, 4.3 and 4.6: those of interfaces, packets and statistics.
export const OPTION_HEADER = 4;
export const OPTION_END = 0;
export const OPTION_COMMENT = 1;
export const OPTION_INTERFACE_NAME = 2;
export const OPTION_TIME_RESOLUTION = 9;
export const OPTION_TIME_OFFSET = 14;
export const OPTION_PACKET_FLAGS = 2;
export const OPTION_PACKET_QUEUE = 6;
export const OPTION_RECEIVED = 4;
export const OPTION_DROPPED = 5;
export const OPTION_DELIVERED = 8;
