import { Duplex } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { layout, NicshareError } from '@nicshare/shm';
import type { Batch, TxBatch } from './batch.js';
import type { Port } from './port.js';

const BURST = 64;
/** Bursts after which the event loop has its turn though frames wait. */
const BURSTS_A_TURN = 16;
const HIGH_WATER_MARK = 256;

/** What `createFrameStream` takes. */
export interface FrameStreamOptions {
  /** Received frames that wait for their reader, at most; the rest stays in the ring. Default 256. */
  readonly readableHighWaterMark?: number;
  /** Written frames that wait for room to be sent, before write() says false. Default 256. */
  readonly writableHighWaterMark?: number;
  /** Ends the stream with an AbortError when it is aborted. */
  readonly signal?: AbortSignal;
}

type Done = (error?: Error | null) => void;

/** A port as a Duplex stream; made by createFrameStream. */
class FrameStream extends Duplex {
  readonly #port: Port;
  readonly #rx: Batch;
  readonly #tx: TxBatch;
  /** Packet of #rx to push next. */
  #next = 0;
  #reading = false;

  constructor(port: Port, options: FrameStreamOptions) {
    super({
      objectMode: true,
      readableHighWaterMark: HIGH_WATER_MARK,
      writableHighWaterMark: HIGH_WATER_MARK,
      ...options,
    });
    this.#port = port;
    this.#rx = port.createBatch(BURST);
    this.#tx = port.createTxBatch(BURST);
  }

  override _read(): void {
    if (!this.#reading) void this.#readOn().catch((error) => this.destroy(error));
  }

  override _write(frame: unknown, _encoding: string, done: Done): void {
    this.#writeAll([frame]).then(() => done(), done);
  }

  override _writev(chunks: readonly { chunk: unknown }[], done: Done): void {
    this.#writeAll(chunks.map(({ chunk }) => chunk)).then(() => done(), done);
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#port.release(this.#rx);
    done(error);
  }

  /** Pushes frames until the reader has enough, or the session is over. */
  async #readOn(): Promise<void> {
    this.#reading = true;
    let bursts = 0;
    // Cleared in the turn in which push says so: the next _read may come right behind it.
    while (this.#reading) {
      if (this.#rx.count === 0 && !(await this.#port.readable())) return this.#finish();
      if (this.destroyed) return;
      if (this.#rx.count === 0) {
        this.#port.rxBurst(this.#rx);
        this.#next = 0;
      }
      this.#reading = this.#pushBurst();
      if (this.#reading && ++bursts % BURSTS_A_TURN === 0) await nextTurn();
    }
  }

  /** The session is over, and all that had come was pushed. */
  #finish(): void {
    const reason = this.#port.detachedReason;
    if (reason) this.destroy(reason);
    else this.push(null);
  }

  /** Pushes what is left of the burst; false where the reader has enough. */
  #pushBurst(): boolean {
    const batch = this.#rx;
    let more = true;
    while (more && this.#next < batch.count) more = this.push(Buffer.from(batch.packet(this.#next++)));
    if (this.#next >= batch.count) this.#port.release(batch);
    return more;
  }

  async #writeAll(frames: readonly unknown[]): Promise<void> {
    for (const frame of frames) this.#requireFrame(frame);
    for (let sent = 0; sent < frames.length; ) {
      const count = this.#port.reserve(this.#tx, Math.min(frames.length - sent, BURST));
      if (count === 0) {
        if (!(await this.#port.writable())) throw this.#detached();
        if (this.destroyed) return;
        continue;
      }
      for (let i = 0; i < count; i++) this.#tx.write(i, frames[sent + i] as Uint8Array);
      if (this.#port.txBurst(this.#tx) === 0) throw this.#detached();
      sent += count;
    }
  }

  /** What the port would refuse is refused before frames are reserved for it. */
  #requireFrame(frame: unknown): void {
    if (!(frame instanceof Uint8Array))
      throw new NicshareError('InvalidArgument', 'A frame is a Buffer or a Uint8Array.', 'Write one.');
    const { maxPacket } = this.#port;
    if (frame.length < layout.ETHERNET_HEADER || frame.length > maxPacket)
      throw new NicshareError(
        'InvalidArgument',
        `A frame of ${frame.length} bytes cannot be sent.`,
        `Write ${layout.ETHERNET_HEADER} to ${maxPacket} bytes, the Ethernet header included.`,
      );
  }

  #detached(): NicshareError {
    const closed = new NicshareError('Closed', `The port on ${this.#port.queue} is closed.`, 'Attach again.');
    return this.#port.detachedReason ?? closed;
  }
}

/**
 * A queue as a Duplex stream in object mode: each Buffer read is a copy of one received frame, Ethernet header first,
 * each Uint8Array written is one frame to send. A slow reader leaves frames in the ring, where they are dropped and
 * counted once it is full; a writer waits while no TX frame is free. The stream ends when the port is closed, and is
 * destroyed with the reason (NicshareError) where the session ends otherwise, and for a frame of a length that cannot
 * be sent (InvalidArgument). Destroying the stream leaves the port attached. A port that a stream reads is read by
 * that alone.
 */
export const createFrameStream = (port: Port, options: FrameStreamOptions = {}): Duplex =>
  new FrameStream(port, options);
