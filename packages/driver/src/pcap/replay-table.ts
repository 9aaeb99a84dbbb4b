/*
 * What the pcap device's fast path knows, from DRIVER_TABLES on. Read by TypeScript and by AssemblyScript alike: plain
 * constants, no imports. Times are f64, in nanoseconds of the module's clock; DISCARDED is a u64, all else u32.
 */

/** When the running pass began. */
export const PASS_START = 0;
/** Time from the start of one pass to that of the next. */
export const PASS_PERIOD = PASS_START + 8;
/** When the pass began that was running when a paced burst was taken last. */
export const BURST_PASS_START = PASS_PERIOD + 8;
/** Packets sent that no file holds. */
export const DISCARDED = BURST_PASS_START + 8;

/** Arena offset of the packets to receive: an array of batch entries, and how many there are. */
export const RX_ENTRIES = DISCARDED + 8;
export const RX_PACKETS = RX_ENTRIES + 4;
/** Next packet of the running pass. */
export const RX_CURSOR = RX_PACKETS + 4;
/** The running pass included; 0 before the start, at the end, and when it was stopped. */
export const PASSES_LEFT = RX_CURSOR + 4;
/** 1: passes are not counted down. */
export const ENDLESS = PASSES_LEFT + 4;
/** 1: a packet is received when it is due; 0: at once. */
export const PACED = ENDLESS + 4;
/** 1 from the first rxBurst on, which starts the clock of a paced replay. */
export const STARTED = PACED + 4;
/** Arena offset of an f64 for each packet: when it is due, from the start of its pass on. */
export const RX_DUE = STARTED + 4;

/** Arena offset of the first TX frame; frame i stands `i << FRAME_SHIFT` behind it. */
export const TX_POOL = RX_DUE + 4;
export const FRAME_SHIFT = TX_POOL + 4;
export const TX_MASK = FRAME_SHIFT + 4;
/** Arena offset of a u32 for each TX frame: the length of the packet in it. */
export const TX_LENGTHS = TX_MASK + 4;
/** Next frame to send; free-running. */
export const TX_CURSOR = TX_LENGTHS + 4;
/** Next frame whose packet is to be recorded; free-running. All from here to TX_CURSOR are taken. */
export const TX_RECORDED = TX_CURSOR + 4;
/** 1: sent packets wait to be recorded; 0: they are gone at once. */
export const RECORDS = TX_RECORDED + 4;
/** First packet of the paced burst that was taken last. */
export const BURST_CURSOR = RECORDS + 4;
export const TABLE_BYTES = BURST_CURSOR + 4;
