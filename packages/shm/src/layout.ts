/*
 * The layout of the memory that a dispatcher and one client share. Read by TypeScript and by AssemblyScript alike,
 * so it holds plain constants and imports nothing. All values are little endian; all offsets are bytes.
 *
 *   DISPATCHER REGION (written by the dispatcher alone; the client maps it read-only)
 *   0      header: magic, version, sizes (written last to first: magic is valid only once all else is)
 *   128    rxRing producer       | session state | latency sample
 *   256    completionRing producer
 *   384    fillRing consumer
 *   512    txRing consumer
 *   640    dispatcher sleep epoch
 *   1024   counters, u64 each
 *   4096   rxRing descriptors, completionRing entries, then the RX frames (mode `isolated`)
 *
 *   CLIENT REGION (written by the client; the dispatcher copies a value once, checks it, then uses it)
 *   0      header: magic, version
 *   128    rxRing consumer
 *   256    completionRing consumer
 *   384    fillRing producer
 *   512    txRing producer
 *   640    client sleep epoch, waiting for packets
 *   768    client sleep epoch, waiting for TX frames
 *   896    counters of the client's own, u32 each (shown, never trusted)
 *   1024   its histogram of pickup latencies (shown, never trusted)
 *   4096   fillRing entries, txRing descriptors, then the TX frames
 *
 *   DEVICE REGIONS (mode `shared` alone; the device writes them, all clients of that mode map them read-only)
 *   The client maps them as far from one another as they stand in the dispatcher: an RX descriptor's offset is from
 *   the start of the first. An entry of the fillRing names a frame by any byte of it.
 *
 * Cursors are free-running u32 on cache-line pairs of their own (the prefetcher fetches lines in pairs): a cursor
 * minus the other one, as u32, is the number of entries between them.
 *
 * Who owns which slots: a ring's producer owns the slots from its cursor up to consumer + size, the consumer those
 * from its own cursor up to the producer's. A cursor is published after the slots it hands over were written or read.
 */

/** 'NICS' in ASCII, little endian. */
export const MAGIC = 0x5343494e;
/** Raised whenever anything in this file changes. */
export const VERSION = 2;

export const LINE = 128;
/** Regions are whole 2 MiB pages, whatever backs them. */
export const REGION_ALIGNMENT = 2097152;

// Header, the same place in both regions.
export const HEADER_MAGIC = 0;
export const HEADER_VERSION = HEADER_MAGIC + 4;
export const HEADER_RING_SIZE = HEADER_VERSION + 4;
export const HEADER_FRAME_SIZE = HEADER_RING_SIZE + 4;
export const HEADER_RX_FRAMES = HEADER_FRAME_SIZE + 4;
export const HEADER_TX_FRAMES = HEADER_RX_FRAMES + 4;
/** u32 of the dispatcher region: 1 where latency samples come. */
export const HEADER_SAMPLED = HEADER_TX_FRAMES + 4;
export const HEADER_BYTES = HEADER_SAMPLED + 4;

// Dispatcher region.
export const RX_PRODUCER = LINE;
/** Beside the rxRing's producer: who polls the ring sees the end of the session in the same cache line. */
export const SESSION_STATE = RX_PRODUCER + 4;
// The latest latency sample, in the same line again: a cursor of the rxRing, and when the dispatcher published that
// slot (u64, nanoseconds of CLOCK_MONOTONIC). The number is odd while the other two change, and new afterwards.
export const RX_SAMPLE_NUMBER = SESSION_STATE + 4;
export const RX_SAMPLE_CURSOR = RX_SAMPLE_NUMBER + 4;
export const RX_SAMPLE_TIME = RX_SAMPLE_CURSOR + 4;
export const COMPLETION_PRODUCER = RX_PRODUCER + LINE;
export const FILL_CONSUMER = COMPLETION_PRODUCER + LINE;
export const TX_CONSUMER = FILL_CONSUMER + LINE;
export const DISPATCHER_SLEEP = TX_CONSUMER + LINE;
export const COUNTERS = 1024;

// Client region.
export const RX_CONSUMER = LINE;
export const COMPLETION_CONSUMER = RX_CONSUMER + LINE;
export const FILL_PRODUCER = COMPLETION_CONSUMER + LINE;
export const TX_PRODUCER = FILL_PRODUCER + LINE;
export const CLIENT_SLEEP_RX = TX_PRODUCER + LINE;
export const CLIENT_SLEEP_TX = CLIENT_SLEEP_RX + LINE;
export const CLIENT_COUNTERS = CLIENT_SLEEP_TX + LINE;
/** u32: packets that the client could not send because no TX frame was free. */
export const CLIENT_BACK_PRESSURE = CLIENT_COUNTERS;
/** Latencies from the publication to the client's rxBurst: u32 buckets, then their sum, a u64 of nanoseconds. */
export const CLIENT_PICKUP = CLIENT_COUNTERS + LINE;

/** Where descriptors start, in both regions. */
export const ARRAYS = 4096;

// Descriptor of rxRing and txRing: offset from the start of the region that the frame lies in, length, flags.
export const DESCRIPTOR_OFFSET = 0;
export const DESCRIPTOR_LENGTH = DESCRIPTOR_OFFSET + 4;
export const DESCRIPTOR_FLAGS = DESCRIPTOR_LENGTH + 2;
export const DESCRIPTOR_SIZE = DESCRIPTOR_FLAGS + 2;
export const DESCRIPTOR_SHIFT = 3;

/** Entry of fillRing and completionRing: the offset of a frame's first byte; in mode `shared` of any byte. */
export const ENTRY_SIZE = 4;
export const ENTRY_SHIFT = 2;

// Session states.
export const STATE_ATTACHED = 1;
export const STATE_ENDED = 2;

// Counters: indices of u64 cells from COUNTERS on.
export const COUNTER_RX_PACKETS = 0;
export const COUNTER_RX_BYTES = 1;
export const COUNTER_RX_DROP_RING_FULL = 2;
export const COUNTER_RX_DROP_NO_FRAME = 3;
export const COUNTER_RX_DROP_OVERSIZED = 4;
export const COUNTER_TX_PACKETS = 5;
export const COUNTER_TX_BYTES = 6;
export const COUNTER_TX_DROP_RUNT = 7;
export const COUNTER_TX_DROP_OVERSIZED = 8;
export const COUNTER_TX_DEVICE_FULL = 9;
export const COUNTER_WAKEUPS = 10;
export const COUNTER_WAKEUPS_REFUSED = 11;
export const COUNTER_DOORBELLS = 12;
/** Of a tap: packets that it did not get because the dataplane had no time to copy them. */
export const COUNTER_TAP_SKIPPED = 13;
/** The client held as many frames of the device as its credit allows. */
export const COUNTER_RX_DROP_NO_CREDIT = 14;
export const COUNTER_COUNT = 15;

/*
 * A PACKET TAP'S FRAME: what happened to a packet, then as much of it as the tap wants
 *   0      length of the whole packet, u32
 *   4      index of its queue, u16       | 6  direction, u8       | 7  outcome, u8
 *   8      nanoseconds since 1970, u64
 *   16     the packet's first bytes
 */
export const TAP_ORIGINAL_LENGTH = 0;
export const TAP_QUEUE = TAP_ORIGINAL_LENGTH + 4;
export const TAP_DIRECTION = TAP_QUEUE + 2;
export const TAP_OUTCOME = TAP_DIRECTION + 1;
export const TAP_TIME = TAP_OUTCOME + 1;
export const TAP_PACKET = TAP_TIME + 8;

/** TAP_QUEUE of a packet that no queue takes. */
export const TAP_NO_QUEUE = 65535;
// Directions, as bits 0 and 1 of epb_flags have them (draft-ietf-opsawg-pcapng, 4.3).
export const TAP_RECEIVED = 1;
export const TAP_SENT = 2;

// Outcomes of a packet: it got where it was meant to go, or why not.
export const OUTCOME_DONE = 0;
export const OUTCOME_RING_FULL = 1;
export const OUTCOME_NO_FRAME = 2;
export const OUTCOME_OVERSIZED = 3;
export const OUTCOME_NO_CLIENT = 4;
export const OUTCOME_UNMATCHED = 5;
export const OUTCOME_NOT_PASSED = 6;
export const OUTCOME_RUNT = 7;
export const OUTCOME_NO_CREDIT = 8;

/** Bytes of a packet that a tap takes at least. */
export const MIN_SNAPLEN = 14;
export const MAX_SNAPLEN = 65535;
/** Instructions of a tap's filter: what libpcap makes of long expressions is some hundred. */
export const MAX_FILTER = 256;

// A latency histogram: bucket `i` counts what took at most LATENCY_FIRST_BOUND << i nanoseconds and more than the bucket
// before holds; the last one counts the rest. From 250 ns to 1.05 s.
export const LATENCY_FIRST_BOUND = 250;
export const LATENCY_BOUNDS = 23;
export const LATENCY_BUCKETS = LATENCY_BOUNDS + 1;
export const CLIENT_PICKUP_SUM = CLIENT_PICKUP + LATENCY_BUCKETS * 4;
export const CLIENT_PICKUP_END = CLIENT_PICKUP_SUM + 8;

// Limits of what a configuration may ask for.
export const MIN_RING_SIZE = 64;
export const MAX_RING_SIZE = 65536;
export const MIN_FRAME_SIZE = 2048;
export const MAX_FRAME_SIZE = 4096;
export const MAX_FRAMES = 131072;

/** Shortest Ethernet frame header: two addresses and a type (IEEE 802.3, clause 3.1.1). */
export const ETHERNET_HEADER = 14;
