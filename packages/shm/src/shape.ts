import * as L from './layout.js';

/**
 * `isolated`: packets are copied into memory of the session's own. `shared`: its client reads them where the device
 * has put them, and holds those frames until it returns them.
 */
export const QUEUE_MODES = ['isolated', 'shared'] as const;
export type QueueMode = (typeof QUEUE_MODES)[number];

/** What a session is made of. All numbers are powers of two. */
export interface SessionSizes {
  readonly mode: QueueMode;
  /** Entries of rxRing and txRing. */
  readonly ringSize: number;
  /** Bytes of a frame. */
  readonly frameSize: number;
  /** RX frames of its own (mode `isolated`), and entries of the fillRing. */
  readonly rxFrames: number;
  /** TX frames, and entries of the completionRing. */
  readonly txFrames: number;
}

/** Where the arrays of both regions stand. Offsets are from the start of their region. */
export interface SessionShape extends SessionSizes {
  readonly rxDescriptors: number;
  readonly completionEntries: number;
  readonly rxFramesOffset: number;
  readonly dispatcherBytes: number;
  readonly fillEntries: number;
  readonly txDescriptors: number;
  readonly txFramesOffset: number;
  readonly clientBytes: number;
}

export const alignUp = (value: number, alignment: number): number => Math.ceil(value / alignment) * alignment;

/** The least power of two that is not below a positive value. */
export const ceilPowerOfTwo = (value: number): number => 2 ** Math.ceil(Math.log2(value));

const isPowerOfTwo = (value: number): boolean =>
  Number.isInteger(value) && value > 0 && (value & (value - 1)) === 0;

function requireSize(name: string, value: number, min: number, max: number): void {
  if (!isPowerOfTwo(value) || value < min || value > max)
    throw new RangeError(`${name} is ${value}; it must be a power of two from ${min} to ${max}`);
}

/** Derives both regions' arrays from the sizes. Throws RangeError where a size is no power of two within its limits. */
export function sessionShape(sizes: SessionSizes): SessionShape {
  const { mode, ringSize, frameSize, rxFrames, txFrames } = sizes;
  requireSize('ringSize', ringSize, L.MIN_RING_SIZE, L.MAX_RING_SIZE);
  requireSize('frameSize', frameSize, L.MIN_FRAME_SIZE, L.MAX_FRAME_SIZE);
  requireSize('rxFrames', rxFrames, L.MIN_RING_SIZE, L.MAX_FRAMES);
  requireSize('txFrames', txFrames, L.MIN_RING_SIZE, L.MAX_FRAMES);

  const ownFrames = mode === 'isolated' ? rxFrames : 0;
  const rxDescriptors = L.ARRAYS;
  const completionEntries = rxDescriptors + ringSize * L.DESCRIPTOR_SIZE;
  const rxFramesOffset = alignUp(completionEntries + txFrames * L.ENTRY_SIZE, L.MAX_FRAME_SIZE);
  const dispatcherBytes = alignUp(rxFramesOffset + ownFrames * frameSize, L.REGION_ALIGNMENT);

  const fillEntries = L.ARRAYS;
  const txDescriptors = fillEntries + rxFrames * L.ENTRY_SIZE;
  const txFramesOffset = alignUp(txDescriptors + ringSize * L.DESCRIPTOR_SIZE, L.MAX_FRAME_SIZE);
  const clientBytes = alignUp(txFramesOffset + txFrames * frameSize, L.REGION_ALIGNMENT);

  return {
    mode,
    ringSize,
    frameSize,
    rxFrames,
    txFrames,
    rxDescriptors,
    completionEntries,
    rxFramesOffset,
    dispatcherBytes,
    fillEntries,
    txDescriptors,
    txFramesOffset,
    clientBytes,
  };
}
