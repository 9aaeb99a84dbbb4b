/*
 * The table by which the WebAssembly fast path knows the rings of an Intel card: one entry for each pair of an RX and a
 * TX ring, from DRIVER_TABLES on, all cells u32. Read by TypeScript and by AssemblyScript alike: plain constants, no
 * imports. Cells that end in _AT, and the arrays, are arena offsets; those of tails lie in the card's registers.
 */

export const RING_SHIFT = 8;
export const MAX_RINGS = 16;

/** All frames lie in one region: RX frames, then TX frames, each at a multiple of the frame size. */
export const REGION = 0;
export const FRAME_SIZE = REGION + 4;
/** The card's address of each 2 MiB of the region, u64 each. */
export const PAGES = FRAME_SIZE + 4;

export const RX_RING = PAGES + 4;
/** Descriptors, less one. */
export const RX_MASK = RX_RING + 4;
export const RX_TAIL_AT = RX_MASK + 4;
/** Of each descriptor, the arena offset of the frame that the card may fill, u32. */
export const RX_SLOTS = RX_TAIL_AT + 4;
/** Stack of frames that no descriptor has: arena offsets, u32. */
export const RX_STACK = RX_SLOTS + 4;
export const RX_FREE = RX_STACK + 4;
/** Free-running: the next descriptor that the card writes back, the next one to give it, those it knows of. */
export const RX_NEXT = RX_FREE + 4;
export const RX_FILLED = RX_NEXT + 4;
export const RX_PUBLISHED = RX_FILLED + 4;
/** Packets that the card described wrongly: no bytes, more than a frame, or a piece of a longer one. */
export const RX_INVALID = RX_PUBLISHED + 4;

export const TX_RING = RX_INVALID + 4;
export const TX_MASK = TX_RING + 4;
export const TX_TAIL_AT = TX_MASK + 4;
/** The first TX frame; each descriptor has one for good. */
export const TX_FRAMES = TX_TAIL_AT + 4;
/** Free-running: the next descriptor to fill, and the next one that the card says it has sent. */
export const TX_NEXT = TX_FRAMES + 4;
export const TX_CLEAN = TX_NEXT + 4;
/** What each card wants in a descriptor's third word beside the length, and how far the length is shifted in the fourth. */
export const TX_COMMAND = TX_CLEAN + 4;
export const TX_LENGTH_SHIFT = TX_COMMAND + 4;
export const RING_ENTRY_END = TX_LENGTH_SHIFT + 4;

/** Descriptors of both directions are of 16 bytes. */
export const DESCRIPTOR_SHIFT = 4;
export const STATUS = 8;
export const LENGTH = 12;
/** Of an RX descriptor that was written back (82574 datasheet 7.1.4.2, 82576 datasheet 7.1.5.2). */
export const RX_DONE = 1;
export const RX_END_OF_PACKET = 2;
/** Errors of the packet as it was received: bits 31 to 24 (82574: CE, SE, SEQ, CXE, TCPE, IPE, RXE). */
export const RX_FRAME_ERRORS = 0x97000000;
/** Of a TX descriptor that was written back, in its fourth word. */
export const TX_DONE = 1;

/** Descriptors that may be ready and not yet told to the card: each telling is a write to a register. */
export const TAIL_BATCH = 32;
export const PAGE_SHIFT = 21;
