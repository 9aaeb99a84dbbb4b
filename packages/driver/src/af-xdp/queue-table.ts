/*
 * The table by which the WebAssembly fast path knows the sockets: one entry for each hardware queue, from
 * DRIVER_TABLES on, all cells u32. Read by TypeScript and by AssemblyScript alike: plain constants, no imports.
 * Cells that end in _AT, and the arrays, are arena offsets. The cursors are ours alone: what we publish to the
 * kernel is a copy, so that nothing we wrote is ever read back from memory that another party can write.
 */

export const QUEUE_SHIFT = 8;
export const MAX_QUEUES = 256;

/** Start of the UMEM: a frame's address for the kernel is its arena offset minus this. */
export const UMEM = 0;
export const FRAME_MASK = UMEM + 4;
export const TX_FRAMES = FRAME_MASK + 4;
/** Stack of free TX frames: addresses for the kernel, u32 each. */
export const TX_STACK = TX_FRAMES + 4;

export const RX_PRODUCER_AT = TX_STACK + 4;
export const RX_CONSUMER_AT = RX_PRODUCER_AT + 4;
export const RX_DESCRIPTORS = RX_CONSUMER_AT + 4;
export const RX_MASK = RX_DESCRIPTORS + 4;

export const FILL_PRODUCER_AT = RX_MASK + 4;
export const FILL_FLAGS_AT = FILL_PRODUCER_AT + 4;
export const FILL_ENTRIES = FILL_FLAGS_AT + 4;
export const FILL_MASK = FILL_ENTRIES + 4;

export const TX_PRODUCER_AT = FILL_MASK + 4;
export const TX_CONSUMER_AT = TX_PRODUCER_AT + 4;
export const TX_FLAGS_AT = TX_CONSUMER_AT + 4;
export const TX_DESCRIPTORS = TX_FLAGS_AT + 4;
export const TX_MASK = TX_DESCRIPTORS + 4;

export const COMPLETION_PRODUCER_AT = TX_MASK + 4;
export const COMPLETION_CONSUMER_AT = COMPLETION_PRODUCER_AT + 4;
export const COMPLETION_ENTRIES = COMPLETION_CONSUMER_AT + 4;
export const COMPLETION_MASK = COMPLETION_ENTRIES + 4;

/** Next descriptor to take; how far the kernel's producer was seen. */
export const RX_CURSOR = COMPLETION_MASK + 4;
export const RX_SEEN = RX_CURSOR + 4;
export const FILL_CURSOR = RX_SEEN + 4;
export const TX_CURSOR = FILL_CURSOR + 4;
export const COMPLETION_CURSOR = TX_CURSOR + 4;
/** Frames on the stack. */
export const TX_FREE = COMPLETION_CURSOR + 4;
export const QUEUE_ENTRY_END = TX_FREE + 4;

// struct xdp_desc and the rings' flags (linux/if_xdp.h)
export const XDP_DESC_ADDRESS = 0;
export const XDP_DESC_LENGTH = 8;
export const XDP_DESC_OPTIONS = 12;
export const XDP_DESC_SHIFT = 4;
/** Fill and completion rings hold bare u64 addresses. */
export const XDP_ADDRESS_SHIFT = 3;
export const XDP_RING_NEED_WAKEUP = 1;
