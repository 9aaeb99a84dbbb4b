/*
 * The dataplane's private tables, at fixed offsets in the arena of the dispatcher's process. No client maps them.
 * Read by TypeScript and by AssemblyScript alike: plain constants, no imports.
 *
 *   PLANE      counters and counts of the whole plane
 *   RX_BATCH   one burst from the device          TX_BATCH   one burst to the device
 *   ACTIVE     addresses of the attached sessions' records, PLANE_ACTIVE_COUNT of them
 *   TOUCHED    the sessions that the burst at hand delivers to
 *   RULES      the Classifier's rules, highest priority first
 *   QUEUES     one record a configured queue
 *   SESSIONS   one record a session slot
 *   TAPS       one record a tap of packets, and what all taps share
 *   SET_ASIDE  addresses of those entries of RX_BATCH that go to the kernel
 *   LATENCIES  the histograms of a configured queue, that of each stage
 *   RELEASES   for each RxQueue a batch of frames that clients have returned to it, and how many they are
 */

/** = DRIVER_TABLES_END of the driver package; a test holds them together. */
export const PLANE = 262144;
export const PLANE_ACTIVE_COUNT = 0;
/** Which active session the next transmit turn starts with. */
export const PLANE_TURN = 4;
export const PLANE_RULE_COUNT = 8;
/** What becomes of packets that no rule takes: UNMATCHED_*. */
export const PLANE_UNMATCHED = 12;
/** 1: take a burst from the device only while each session has room for all of it. */
export const PLANE_HOLD = 16;
/** Sessions that a wakeup is due for; reset by who sends them. */
export const PLANE_WAKEUPS_DUE = 20;
/** Sessions that broke a rule of their rings since this was last reset. */
export const PLANE_VIOLATIONS = 24;
export const PLANE_RX_QUEUES = 28;
/** Taps that stand; 0: no step does anything for taps. */
export const PLANE_TAPS = 32;
/** Bit n: tap n wants the packets of the whole device. */
export const PLANE_DEVICE_TAPS = 36;
/** Taps that a wakeup is due for. */
export const PLANE_TAP_WAKEUPS_DUE = 40;
/** 1: latencies are sampled. */
export const PLANE_SAMPLED = 44;
/** Bursts to come of which none is sampled; 0: the next may be. */
export const PLANE_SAMPLE_COUNTDOWN = 48;
/** Attached sessions of mode `shared`. */
export const PLANE_SHARED_COUNT = 52;
/** f64: nanoseconds between two samples of a session, at least. */
export const PLANE_SAMPLE_INTERVAL = 56;
// u64 counters.
export const PLANE_RECEIVED = 64;
export const PLANE_RECEIVED_BYTES = 72;
export const PLANE_NOT_PASSED = 80;
export const PLANE_UNMATCHED_DROPPED = 88;
export const PLANE_SENT = 96;
/** u32 of no meaning: the sum of bytes that were loaded to have them in the cache. */
export const PLANE_HEADERS = 104;
/* The exception path. */
/** Queues of the kernel's interface; 0: there is none. */
export const PLANE_KERNEL_QUEUES = 512;
export const PLANE_TX_QUEUES = 516;
/** Longest packet that the device sends. */
export const PLANE_MAX_PACKET = 520;
/** Bytes to read at most: one more than the longest packet, so that longer ones are seen, or a frame. */
export const PLANE_KERNEL_CAPACITY = 524;
/** u64: packets that the kernel sent. */
export const PLANE_FROM_KERNEL = 528;
/** u64 each: what became of a packet on the way to the kernel or from it, by KERNEL_*. */
export const PLANE_KERNEL_OUTCOMES = 536;

export const RX_BATCH = PLANE + 1024;
export const TX_BATCH = RX_BATCH + 1024;

export const MAX_SESSIONS = 256;
export const ACTIVE = TX_BATCH + 1024;
export const TOUCHED = ACTIVE + MAX_SESSIONS * 4;
/** Address of the session's record, and of the batch entry of its first packet: written at once. */
export const TOUCHED_SESSION = 0;
export const TOUCHED_FIRST = 4;
export const TOUCHED_SHIFT = 3;

export const MAX_RULES = 1024;
export const RULES = TOUCHED + (MAX_SESSIONS << TOUCHED_SHIFT);
/** Which fields the rule names: bits as below. */
export const RULE_FIELDS = 0;
// Values as a little-endian load of the packet's bytes gives them: no byte is swapped per packet.
export const RULE_ETHER_TYPE = 4;
export const RULE_PROTOCOL = 8;
export const RULE_PORT = 12;
export const RULE_MAC_LOW = 16;
export const RULE_MAC_HIGH = 20;
/** Address of the queue's record. */
export const RULE_QUEUE = 24;
export const RULE_BYTES = 32;
export const FIELD_ETHER_TYPE = 1;
export const FIELD_PROTOCOL = 2;
export const FIELD_PORT = 4;
export const FIELD_MAC = 8;

export const MAX_QUEUES = 256;
export const QUEUES = RULES + MAX_RULES * RULE_BYTES;
/** Address of the attached session's record, or 0. */
export const QUEUE_SESSION = 0;
/** u64: packets for the queue while nobody was attached. */
export const QUEUE_NO_CLIENT = 8;
/** Bit n: tap n wants the packets of this queue. */
export const QUEUE_TAPS = 16;
/** Packets of the burst at hand that its taps do not get; of a queue without taps it means nothing. */
export const QUEUE_TAP_SKIPPED = 20;
export const QUEUE_BYTES = 32;

export const SESSIONS = QUEUES + MAX_QUEUES * QUEUE_BYTES;
// Set at attach. Addresses are arena offsets.
export const SESSION_DISPATCHER_REGION = 0;
export const SESSION_CLIENT_REGION = 4;
export const SESSION_RING_SIZE = 8;
export const SESSION_FRAME_SHIFT = 12;
export const SESSION_RX_FRAMES_COUNT = 16;
export const SESSION_TX_FRAMES_COUNT = 20;
export const SESSION_RX_DESCRIPTORS = 24;
export const SESSION_COMPLETION_ENTRIES = 28;
/** From the start of the dispatcher region, as descriptors name frames. */
export const SESSION_RX_FRAMES_OFFSET = 32;
export const SESSION_FILL_ENTRIES = 36;
export const SESSION_TX_DESCRIPTORS = 40;
/** From the start of the client region. */
export const SESSION_TX_FRAMES_OFFSET = 44;
/** u32 indices of free RX frames, first in first out: frames come round in the order of their addresses. */
export const SESSION_FREE_FRAMES = 48;
/**
 * One byte an RX frame: not 0 while the client may hold it. In mode `shared` one for each frame of the window, and its
 * value is the number of the frame's RxQueue, counted from 1.
 */
export const SESSION_HOLDERS = 52;
export const SESSION_QUEUE = 56;
export const SESSION_TX_QUEUE = 60;
export const SESSION_MAX_PACKET = 64;
/** Mode `shared`: where the device's regions begin, from which descriptors count; 0 in mode `isolated`. */
export const SESSION_WINDOW = 68;
/** Frames from there to the end of the device's regions. */
export const SESSION_WINDOW_FRAMES = 72;
/** RX frames that the client may hold. */
export const SESSION_CREDIT = 76;
// Cursors, our own copies: what is in shared memory is never read back.
export const SESSION_FREE_HEAD = 128;
export const SESSION_FREE_TAIL = 132;
export const SESSION_RX_PRODUCER = 136;
export const SESSION_RX_PUBLISHED = 140;
export const SESSION_RX_CONSUMER_SEEN = 144;
export const SESSION_FILL_CONSUMER = 148;
export const SESSION_TX_CONSUMER = 152;
export const SESSION_COMPLETION_PRODUCER = 156;
export const SESSION_COMPLETION_CONSUMER_SEEN = 160;
/** Bytes delivered by the burst at hand. */
export const SESSION_BURST_BYTES = 164;
/** 1: its rxRing was found full during the burst at hand. */
export const SESSION_BURST_FULL = 168;
// Wakeups: the epochs last answered, and the epoch that a due wakeup answers (0: none is due).
export const SESSION_WOKEN_RX = 172;
export const SESSION_WOKEN_TX = 176;
export const SESSION_DUE_RX = 180;
export const SESSION_DUE_TX = 184;
/** 0, or the rule that the client broke: VIOLATION_*. */
export const SESSION_VIOLATION = 188;
export const SESSION_SLOT = 192;
/** 1: a tap whose reader had returned no frames when it was looked for some during the burst at hand. */
export const SESSION_BURST_FRAMELESS = 196;
/** Address of its queue's histograms. */
export const SESSION_LATENCIES = 200;
/** u64: latency samples that the client was given. */
export const SESSION_SAMPLES = 208;
/** f64: when it was last sampled, in nanoseconds of the clock. */
export const SESSION_SAMPLED_AT = 216;
/** Mode `shared`: frames of the device that are out with the client, those in its rxRing included. */
export const SESSION_HELD = 224;
export const SESSION_BYTES = 256;

export const MAX_TAPS = 4;
export const TAPS = SESSIONS + MAX_SESSIONS * SESSION_BYTES;
/** Address of the tap's session's record, or 0. Where a queue has it: a violation clears both the same way. */
export const TAP_SESSION = QUEUE_SESSION;
/** Address of the queue's record whose packets it wants; 0: of the whole device. */
export const TAP_TARGET = 4;
/** Bytes of a packet that it wants at most; they fit a frame. */
export const TAP_SNAPLEN = 8;
/** Instructions of its filter (packet-filter.ts), which stand at FILTERS + its index * FILTER_BYTES; 0: it has none. */
export const TAP_FILTER = 12;
export const TAP_BYTES = 32;
// What all taps share.
export const TAP_COMMON = TAPS + MAX_TAPS * TAP_BYTES;
/** i32: what copies may cost before the others need the time; see packet-tap.ts. */
export const TAP_CREDIT = 0;
/** 1: a burst of this turn was full, so that more packets wait than a turn takes. */
export const TAP_BUSY = 4;
/** u64: nanoseconds since 1970 of the burst at hand; 0: the clock was not read for it yet. */
export const TAP_NOW = 8;
/** struct timespec (time.h) of 64 bits a field: where the clock is read to. */
export const TAP_TIMESPEC = 16;

/** Scratch memory of the filter at hand. */
export const FILTER_MEMORY = TAP_COMMON + 64;
export const FILTERS = FILTER_MEMORY + 64;
/** MAX_FILTER instructions of the layout; a test holds them together. */
export const FILTER_BYTES = 2048;

export const SET_ASIDE = FILTERS + MAX_TAPS * FILTER_BYTES;
/** Addresses of a whole burst. */
const SET_ASIDE_BYTES = 256;

// Histograms: LATENCY_BUCKETS cells of the layout, and their sum in nanoseconds, u64 each.
export const HISTOGRAM_SUM = 24 * 8;
export const HISTOGRAM_BYTES = HISTOGRAM_SUM + 8;
export const LATENCIES = SET_ASIDE + SET_ASIDE_BYTES;
/** From the device's own time of a packet until rxBurst has returned it. */
export const LATENCY_DEVICE = 0;
/** From there until its publication in the rxRing. */
export const LATENCY_DISPATCH = LATENCY_DEVICE + HISTOGRAM_BYTES;
export const LATENCY_BYTES = LATENCY_DISPATCH + HISTOGRAM_BYTES;
/** Bursts from one look at the clock to the next; after a sleep the first is looked at. */
export const BURSTS_A_LOOK = 16;

/** Most RxQueues whose frames can be shared. */
export const MAX_SHARED_RINGS = 64;
/** u32 a RxQueue. */
export const RELEASE_COUNTS = LATENCIES + MAX_QUEUES * LATENCY_BYTES;
/** A batch of the driver package's MAX_BURST entries a RxQueue. */
export const RELEASES = RELEASE_COUNTS + MAX_SHARED_RINGS * 4;
export const RELEASE_BYTES = 512;

export const TABLES_END = RELEASES + MAX_SHARED_RINGS * RELEASE_BYTES;

/** Dropped by configuration. */
export const UNMATCHED_DROP = 0;
/** Meant for the kernel, which the device kept them from: `notPassed`. */
export const UNMATCHED_PASS = 1;
/** Handed to the kernel by the exception path. */
export const UNMATCHED_KERNEL = 2;

/** The kernel has taken it. */
export const KERNEL_TOOK = 0;
// Why it is lost: to the kernel,
export const KERNEL_FULL = 1;
export const KERNEL_DOWN = 2;
export const KERNEL_GONE = 3;
export const KERNEL_REFUSED = 4;
// and from it.
export const KERNEL_RUNT = 5;
export const KERNEL_OVERSIZED = 6;

export const VIOLATION_RX_CONSUMER = 1;
export const VIOLATION_FILL_PRODUCER = 2;
export const VIOLATION_FILL_ENTRY = 3;
export const VIOLATION_FRAME_NOT_HELD = 4;
export const VIOLATION_TX_PRODUCER = 5;
export const VIOLATION_TX_DESCRIPTOR = 6;
export const VIOLATION_COMPLETION_CONSUMER = 7;

/** Packets of one session that a transmit turn takes at most. */
export const TX_BURST = 32;

// Answers of `pendingTransmit`.
export const PENDING_NONE = 0;
export const PENDING_READY = 1;
export const PENDING_DEVICE_FULL = 2;
