import { NicshareError } from '@nicshare/shm';

/** What an offset is set to in debug mode once its frame is no longer the caller's: no index of any memory. */
const POISON = 0xffffffff;

/**
 * Up to `capacity` packets that lie in shared memory: packet `i` is the `length[i]` bytes of `bytes` from `offset[i]`
 * on. Made once and used for every burst; nothing is allocated per packet.
 */
export class Batch {
  /** Packets that it can hold. */
  readonly capacity: number;
  /** Packets in the batch; 0 when they were released or sent. */
  count = 0;
  /** Where packets start in `bytes`. */
  readonly offset: Uint32Array;
  /** Bytes of packets, the Ethernet header included. */
  readonly length: Uint32Array;
  /** Descriptor flags of packets; none is defined yet. */
  readonly flags: Uint32Array;
  /** One view of the memory that the packets lie in. Received packets can be read but not changed in place. */
  readonly bytes: Uint8Array;

  /** @internal Ports make batches. */
  constructor(bytes: Uint8Array, capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > 4096)
      throw new NicshareError('InvalidArgument', `A batch of ${capacity} packets.`, 'Give it 1 to 4096.');
    this.bytes = bytes;
    this.capacity = capacity;
    this.offset = new Uint32Array(capacity);
    this.length = new Uint32Array(capacity);
    this.flags = new Uint32Array(capacity);
  }

  /** A view of packet `index`, good until the batch is released. Throws NicshareError InvalidArgument. */
  packet(index: number): Uint8Array {
    this.#require(index);
    const start = this.offset[index]!;
    return this.bytes.subarray(start, start + this.length[index]!);
  }

  /** A copy of packet `index`, to keep. Throws NicshareError InvalidArgument. */
  copy(index: number): Uint8Array {
    return this.packet(index).slice();
  }

  /** @internal Empties the batch; in debug mode offsets kept from it lead nowhere from now on. */
  clear(debug: boolean): void {
    if (debug) this.offset.fill(POISON);
    this.count = 0;
  }

  #require(index: number): void {
    if (index >= 0 && index < this.count) return;
    throw new NicshareError(
      'InvalidArgument',
      `The batch has no packet ${index}: it holds ${this.count}.`,
      'A batch is empty after its release; copy what you want to keep.',
    );
  }
}

/** Frames to write packets into: set `length[i]` and write `bytes` from `offset[i]` on, then send the batch. */
export class TxBatch extends Batch {
  /** Writes packet `index`. Throws NicshareError InvalidArgument where it is longer than a frame. */
  write(index: number, packet: Uint8Array): void {
    const frame = this.offset[index]!;
    if (index >= this.count || packet.length > this.frameSize)
      throw new NicshareError(
        'InvalidArgument',
        `Packet ${index} of ${packet.length} bytes does not fit: ${this.count} frames of ${this.frameSize} bytes.`,
        'Reserve more frames, or split the packet.',
      );
    this.bytes.set(packet, frame);
    this.length[index] = packet.length;
  }

  /** Bytes of a frame. */
  readonly frameSize: number;

  /** @internal Ports make batches. */
  constructor(bytes: Uint8Array, capacity: number, frameSize: number) {
    super(bytes, capacity);
    this.frameSize = frameSize;
  }
}
