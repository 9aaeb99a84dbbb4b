import * as L from './layout.js';

/** What a session is made of. All values are powers of two. */
export interface SessionSizes {
  /** Entries of rxRing and txRing. */
  readonly ringSize: number;
  /** Bytes of a frame. */
  readonly frameSize: number;
  /** RX frames, and entries of the fillRing. */
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
  const { ringSize, frameSize, rxFrames, txFrames } = sizes;
  requireSize('ringSize', ringSize, L.MIN_RING_SIZE, L.MAX_RING_SIZE);
  requireSize('frameSize', frameSize, L.MIN_FRAME_SIZE, L.MAX_FRAME_SIZE);
  requireSize('rxFrames', rxFrames, L.MIN_RING_SIZE, L.MAX_FRAMES);
  requireSize('txFrames', txFrames, L.MIN_RING_SIZE, L.MAX_FRAMES);

  const rxDescriptors = L.ARRAYS;
  const completionEntries = rxDescriptors + ringSize * L.DESCRIPTOR_SIZE;
  const rxFramesOffset = alignUp(completionEntries + txFrames * L.ENTRY_SIZE, L.MAX_FRAME_SIZE);
  const dispatcherBytes = alignUp(rxFramesOffset + rxFrames * frameSize, L.REGION_ALIGNMENT);

  const fillEntries = L.ARRAYS;
  const txDescriptors = fillEntries + rxFrames * L.ENTRY_SIZE;
  const txFramesOffset = alignUp(txDescriptors + ringSize * L.DESCRIPTOR_SIZE, L.MAX_FRAME_SIZE);
  const clientBytes = alignUp(txFramesOffset + txFrames * frameSize, L.REGION_ALIGNMENT);

  return {
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
