/*
 * The table by which the WebAssembly fast path knows the virtqueues of a virtio-net card: one entry for each, by its
 * number, from DRIVER_TABLES on, all cells u32. Ring n receives by queue 2n and sends by queue 2n + 1 (virtio 1.2,
 * 5.1.2). Read by TypeScript and by AssemblyScript alike: plain constants, no imports. Arrays, and cells that end in
 * _AT, are arena offsets; NOTIFY_AT lies in the card's registers.
 */

export const QUEUE_SHIFT = 7;
export const MAX_RINGS = 16;

/** All frames lie in one region, which the card reaches by PAGES: its address of each 2 MiB, u64 each. */
export const REGION = 0;
export const PAGES = REGION + 4;
export const FRAME_SIZE = PAGES + 4;

/** Buffers that the queue has, less one. */
export const MASK = FRAME_SIZE + 4;
export const DESCRIPTORS = MASK + 4;
export const AVAILABLE = DESCRIPTORS + 4;
export const USED = AVAILABLE + 4;
export const NUMBER = USED + 4;
export const NOTIFY_AT = NUMBER + 4;

/** Ring of the descriptors' numbers, u32: those from NEXT on are free. */
export const IDS = NOTIFY_AT + 4;
/** Of each descriptor, the arena offset of the frame that the card has there, u32; 0: none. */
export const SLOTS = IDS + 4;
/** Free-running: buffers that were made ready, those of them that the card was told of, those that came back. */
export const NEXT = SLOTS + 4;
export const PUBLISHED = NEXT + 4;
export const DONE = PUBLISHED + 4;
/** Free-running: entries of the used ring that were looked at. */
export const SEEN = DONE + 4;
/** Entries of the used ring that were wrong. */
export const INVALID = SEEN + 4;

/** TX: the first frame; each descriptor has one for good. */
export const TX_FRAMES = INVALID + 4;
/** RX: stack of frames that no descriptor has, arena offsets, u32. */
export const RX_STACK = TX_FRAMES + 4;
export const RX_FREE = RX_STACK + 4;
/** RX: buffers that may be ready and not yet told to the card. */
export const RX_BATCH = RX_FREE + 4;
/** RX: how many rings there are. */
export const RX_RINGS = RX_BATCH + 4;
export const QUEUE_ENTRY_END = RX_RINGS + 4;

/** What precedes each packet in its frame: struct virtio_net_hdr (5.1.6), zeros for what we send. */
export const HEADER = 12;

/** Struct virtq_desc (2.7.5): 16 bytes; the u64 at LENGTH holds length, flags, next. */
export const DESCRIPTOR_SHIFT = 4;
export const DESCRIPTOR_LENGTH = 8;
export const DESC_F_WRITE = 2;
/** Struct virtq_avail and virtq_used (2.7.6, 2.7.8): flags, index, ring; u16 and u16, then u16 or (u32, u32) each. */
export const RING_FLAGS = 0;
export const RING_INDEX = 2;
export const RING_ENTRIES = 4;
export const AVAIL_ENTRY_SHIFT = 1;
export const USED_ENTRY_SHIFT = 3;
export const USED_LENGTH = 4;
/** The driver wants no interrupt; the device no notification. */
export const AVAIL_F_NO_INTERRUPT = 1;
export const USED_F_NO_NOTIFY = 1;

export const PAGE_SHIFT = 21;
