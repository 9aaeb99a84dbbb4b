import { ceilPowerOfTwo, layout, type RingCursors } from '@nicshare/shm';

/*
 * The memory that a fake device and its wire share: a header, the rules, then a block for each hardware ring.
 *
 *   header   0        state: OPEN while the device is open; DEAD or UNPLUGGED by a fault that the wire caused
 *            4        link: 0 while it is up, 1 while it is down; the wire's
 *            LINE     sleeping: 1 where the device's thread sleeps and wants a wakeup; the wire takes it back
 *   rules    what the device was told to hand over (rule-memory.ts)
 *   block    cursors of rx, fill, tx and completion rings, producer and consumer each on a line of its own
 *            counters, u32 each, written by the wire
 *            entries of the four rings, when the packet of each RX frame came, then RX frames, then TX frames
 *
 * As on a card: the device gives free frames by the fill ring, the wire gives packets by the rx ring; the device gives
 * packets by the tx ring, the wire gives their frames back by the completion ring.
 */
const { LINE } = layout;

/** 'FAKE' in ASCII: released memory reads as zeros, and so as closed. */
export const OPEN = 0x454b4146;
/** Faults, which end the device. */
export const DEAD = 1;
export const UNPLUGGED = 2;
const HEADER_STATE = 0;
const HEADER_LINK = HEADER_STATE + 4;
const HEADER_SLEEPING = LINE;
const HEADER_BYTES = 4096;

/** A generation and two words on the whole, then a record a rule. */
export const MAX_RULES = 256;
export const RULES_HEADER_WORDS = 4;
export const RULE_WORDS = 6;
const RULES_BYTES = 8192;

const CURSOR_LINES = 8;
const BLOCK_HEADER = 4096;

/** What the wire counts, as indices of u32 cells. */
export const COUNTER_RING_FULL = 0;
export const COUNTER_NO_FRAME = 1;
export const COUNTER_WRONG_LENGTH = 2;
export const COUNTER_LINK_DOWN = 3;
export const COUNTER_UNMATCHED = 4;

/**
 * How packets are spread over several hardware rings: by a hash of their addresses and ports, as receive-side scaling
 * does, or by their rule, the first rule's to the first ring and so on, round and round.
 */
export type FakeSteering = 'hash' | 'rules';

/** All that the wire has to know; it can be sent to another thread. */
export interface FakeWireDescription {
  /** Arena offset of the header. */
  readonly base: number;
  readonly rings: number;
  readonly ringSize: number;
  readonly frameSize: number;
  /** RX frames of each hardware ring beyond twice its size. */
  readonly spareFrames: number;
  /** Whether the wire notes when packets come. */
  readonly rxTimes: boolean;
  /** How a packet finds its ring. */
  readonly steering: FakeSteering;
  /** Descriptor by which the wire wakes the device's thread. */
  readonly wakeDescriptor: number;
}

export type FakeSizes = Omit<FakeWireDescription, 'rxTimes' | 'steering' | 'wakeDescriptor'>;

/** One hardware ring: cursors as cells, the rest as arena offsets in bytes. */
export interface RingBlock {
  readonly rx: RingCursors;
  readonly fill: RingCursors;
  readonly tx: RingCursors;
  readonly completion: RingCursors;
  readonly counters: number;
  /** Offset and length, u32 each. */
  readonly rxEntries: number;
  /** Offset, u32. */
  readonly fillEntries: number;
  readonly txEntries: number;
  readonly completionEntries: number;
  /** f64 an RX frame: nanoseconds of CLOCK_MONOTONIC. */
  readonly rxTimes: number;
  readonly rxFrames: number;
  readonly rxFrameCount: number;
  readonly txFrames: number;
  readonly txFrameCount: number;
}

export const stateCell = ({ base }: FakeSizes): number => (base + HEADER_STATE) / 4;
export const linkCell = ({ base }: FakeSizes): number => (base + HEADER_LINK) / 4;
export const rulesCell = ({ base }: FakeSizes): number => (base + HEADER_BYTES) / 4;
export const sleepingCell = ({ base }: FakeSizes): number => (base + HEADER_SLEEPING) / 4;

const rxFramesOf = ({ ringSize, spareFrames }: FakeSizes): number => 2 * ringSize + spareFrames;
/** A slot for every RX frame. */
const fillSizeOf = (sizes: FakeSizes): number => ceilPowerOfTwo(rxFramesOf(sizes));
const framesBytes = (sizes: FakeSizes): number => (rxFramesOf(sizes) + sizes.ringSize) * sizes.frameSize;

function blockBytes(sizes: FakeSizes): number {
  const { ringSize, frameSize } = sizes;
  const entriesBytes = ringSize * (8 + 8 + 4) + fillSizeOf(sizes) * 4 + rxFramesOf(sizes) * 8;
  return Math.ceil((BLOCK_HEADER + entriesBytes) / frameSize) * frameSize + framesBytes(sizes);
}

/** Bytes of the whole. */
export const fakeBytes = (sizes: FakeSizes): number =>
  HEADER_BYTES + RULES_BYTES + sizes.rings * blockBytes(sizes);

/** Where everything of hardware ring `ring` stands. */
export function ringBlock(sizes: FakeSizes, ring: number): RingBlock {
  const { base, ringSize, frameSize } = sizes;
  const block = base + HEADER_BYTES + RULES_BYTES + ring * blockBytes(sizes);
  const cursors = (index: number, size: number): RingCursors => ({
    producer: (block + 2 * index * LINE) / 4,
    consumer: (block + (2 * index + 1) * LINE) / 4,
    size,
  });
  const rxFrameCount = rxFramesOf(sizes);
  const fillSize = fillSizeOf(sizes);
  const rxEntries = block + BLOCK_HEADER;
  const fillEntries = rxEntries + ringSize * 8;
  const txEntries = fillEntries + fillSize * 4;
  const completionEntries = txEntries + ringSize * 8;
  const rxTimes = completionEntries + ringSize * 4;
  const rxFrames = block + blockBytes(sizes) - framesBytes(sizes);
  return {
    rx: cursors(0, ringSize),
    fill: cursors(1, fillSize),
    tx: cursors(2, ringSize),
    completion: cursors(3, ringSize),
    counters: block + CURSOR_LINES * LINE,
    rxEntries,
    fillEntries,
    txEntries,
    completionEntries,
    rxTimes,
    rxFrames,
    rxFrameCount,
    txFrames: rxFrames + rxFrameCount * frameSize,
    txFrameCount: ringSize,
  };
}
