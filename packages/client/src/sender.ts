import { layout, NicshareError, RingConsumer, RingProducer, type SessionGrant, wake } from '@nicshare/shm';
import type { Attachment } from './attachment.js';
import { type Batch, TxBatch } from './batch.js';

const CELL = 2;
/** Up to here four bytes at a time are faster than copyWithin. */
const SHORT = 128;

/** The sending half of a port: fills TX frames, submits them by the txRing, takes them back by the completionRing. */
export class Sender {
  readonly #attachment: Attachment;
  readonly #debug: boolean;
  readonly #maxPacket: number;
  readonly #wakeFd: number;
  readonly #cells: Int32Array;
  readonly #words: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #txRing: RingProducer;
  readonly #completionRing: RingConsumer;
  readonly #descriptors: number;
  readonly #completions: number;
  /** Offsets of free frames in the client region, a stack: the frame that was used last is in the cache. */
  readonly #free: Uint32Array;
  #freeCount: number;
  readonly #dispatcherSleep: number;
  readonly #sleepCell: number;
  readonly #backPressure: number;
  #rungFor = 0;

  constructor(attachment: Attachment, grant: SessionGrant, wakeFd: number, debug: boolean) {
    const { buffer, dispatcherRegion, clientRegion, shape } = attachment;
    this.#attachment = attachment;
    this.#debug = debug;
    this.#maxPacket = Math.min(grant.maxPacket, shape.frameSize);
    this.#wakeFd = wakeFd;
    this.#cells = new Int32Array(buffer);
    this.#words = new Uint32Array(buffer);
    this.#bytes = new Uint8Array(buffer);
    this.#txRing = new RingProducer(this.#cells, {
      producer: (clientRegion + layout.TX_PRODUCER) >> CELL,
      consumer: (dispatcherRegion + layout.TX_CONSUMER) >> CELL,
      size: shape.ringSize,
    });
    this.#completionRing = new RingConsumer(this.#cells, {
      producer: (dispatcherRegion + layout.COMPLETION_PRODUCER) >> CELL,
      consumer: (clientRegion + layout.COMPLETION_CONSUMER) >> CELL,
      size: shape.txFrames,
    });
    this.#descriptors = (clientRegion + shape.txDescriptors) >> CELL;
    this.#completions = (dispatcherRegion + shape.completionEntries) >> CELL;
    this.#free = Uint32Array.from(
      { length: shape.txFrames },
      (_, index) => shape.txFramesOffset + (shape.txFrames - 1 - index) * shape.frameSize,
    );
    this.#freeCount = shape.txFrames;
    this.#dispatcherSleep = (dispatcherRegion + layout.DISPATCHER_SLEEP) >> CELL;
    this.#sleepCell = (clientRegion + layout.CLIENT_SLEEP_TX) >> CELL;
    this.#backPressure = (clientRegion + layout.CLIENT_BACK_PRESSURE) >> CELL;
  }

  createBatch(capacity: number): TxBatch {
    return new TxBatch(this.#attachment.txBytes(), capacity, this.#attachment.shape.frameSize);
  }

  /** Whether a frame is free. */
  get writable(): boolean {
    return this.#freeFrames(1) > 0;
  }

  /** Puts up to `wanted` free frames into an empty batch; returns the count. They are the caller's until it is sent. */
  reserve(batch: TxBatch, wanted: number): number {
    if (batch.count !== 0) throw reservedAlready();
    const count = this.#freeFrames(Math.min(wanted, batch.capacity));
    const { offset, length } = batch;
    for (let i = 0; i < count; i++) {
      offset[i] = this.#free[--this.#freeCount]!;
      length[i] = 0;
    }
    batch.count = count;
    return count;
  }

  /** Sends a reserved batch whole. Throws NicshareError InvalidArgument where a length is out of range. */
  submit(batch: TxBatch): number {
    const { count, offset, length } = batch;
    for (let i = 0; i < count; i++) this.#checkLength(length[i]!);
    for (let i = 0; i < count; i++) this.#describe(i, offset[i]!, length[i]!);
    this.#publish(count);
    batch.clear(this.#debug);
    return count;
  }

  /** Copies received packets into TX frames and sends them; returns how many, fewer where frames ran out. */
  forward(batch: Batch): number {
    if (batch.bytes.buffer !== this.#attachment.buffer) throw receivedElsewhere();
    const count = this.#freeFrames(batch.count);
    const { offset, length } = batch;
    const { rxBase, clientRegion } = this.#attachment;
    for (let i = 0; i < count; i++) this.#checkLength(length[i]!);
    for (let i = 0; i < count; i++) {
      const frame = this.#free[--this.#freeCount]!;
      this.#copy(clientRegion + frame, rxBase + offset[i]!, length[i]!);
      this.#describe(i, frame, length[i]!);
    }
    this.#publish(count);
    this.#countBackPressure(batch.count - count);
    return count;
  }

  /** Copies and sends one packet; returns whether a frame was free. */
  send(packet: Uint8Array): boolean {
    this.#checkLength(packet.length);
    if (this.#freeFrames(1) === 0) {
      this.#countBackPressure(1);
      return false;
    }
    const frame = this.#free[--this.#freeCount]!;
    this.#bytes.set(packet, this.#attachment.clientRegion + frame);
    this.#describe(0, frame, packet.length);
    this.#publish(1);
    return true;
  }

  /** Asks for a wakeup when frames come back; `epoch` is new and not 0. */
  announceSleep(epoch: number): void {
    Atomics.store(this.#cells, this.#sleepCell, epoch);
  }

  #freeFrames(wanted: number): number {
    if (this.#freeCount < wanted) this.#takeCompletions();
    return Math.min(this.#freeCount, wanted);
  }

  #takeCompletions(): void {
    const ring = this.#completionRing;
    const count = ring.peek(this.#free.length);
    if (count <= 0) return;
    const { cursor, mask } = ring;
    for (let i = 0; i < count; i++)
      this.#free[this.#freeCount++] = this.#words[this.#completions + ((cursor + i) & mask)]!;
    ring.release(count);
  }

  /** Writes the txRing's slot `index` behind its cursor. There are no more frames than slots, so one is free. */
  #describe(index: number, offset: number, length: number): void {
    const ring = this.#txRing;
    const at = this.#descriptors + ((ring.cursor + index) & ring.mask) * 2;
    this.#words[at] = offset;
    this.#words[at + 1] = length;
  }

  #publish(count: number): void {
    if (count === 0) return;
    this.#txRing.submit(count);
    const epoch = Atomics.load(this.#cells, this.#dispatcherSleep);
    if (epoch === 0 || epoch === this.#rungFor) return;
    this.#rungFor = epoch;
    wake(this.#wakeFd);
  }

  #copy(to: number, from: number, length: number): void {
    // A device may place packets anywhere.
    if (length > SHORT || (from & 3) !== 0) {
      this.#bytes.copyWithin(to, from, from + length);
      return;
    }
    const words = this.#words;
    const end = (length + 3) >> 2;
    for (let i = 0, t = to >> 2, f = from >> 2; i < end; i++) words[t + i] = words[f + i]!;
  }

  #countBackPressure(packets: number): void {
    if (packets > 0) this.#cells[this.#backPressure] = (this.#cells[this.#backPressure]! + packets) | 0;
  }

  #checkLength(length: number): void {
    if (length >= layout.ETHERNET_HEADER && length <= this.#maxPacket) return;
    throw new NicshareError(
      'InvalidArgument',
      `A packet of ${length} bytes cannot be sent.`,
      `Send ${layout.ETHERNET_HEADER} to ${this.#maxPacket} bytes, the Ethernet header included.`,
    );
  }
}

const reservedAlready = (): NicshareError =>
  new NicshareError(
    'InvalidArgument',
    'The batch holds frames already.',
    'Send it before you reserve again.',
  );

const receivedElsewhere = (): NicshareError =>
  new NicshareError(
    'InvalidArgument',
    'The batch was received by another port.',
    'Reserve a batch of createTxBatch() here and copy the packets into it.',
  );
