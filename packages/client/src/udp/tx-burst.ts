import { NicshareError } from '@nicshare/shm';
import type { TxBatch } from '../batch.js';
import type { Port } from '../port.js';
import { SENT } from './counters.js';
import { DatagramWriter, type HeaderTemplate } from './datagram-writer.js';
import { PAYLOAD_AT } from './format.js';

const BURST = 64;
/** Frames that are reserved at a time: what is not used is kept from the port's other senders. */
const RESERVE = 16;

/** Bytes of one datagram, in one piece or in several. */
export type Payload = Uint8Array | readonly Uint8Array[];

/** As dgram's: null, or why it was not sent; and the payload's bytes. */
export type SendCallback = (error: Error | null, bytes: number) => void;

/** Something that waits for TX frames. */
export interface Blocked {
  /** Frames are free; false: there will never be one. */
  resume(possible: boolean): void;
}

/** Calls send's callbacks one after the other; one that throws does not keep the others from theirs. */
function callAll(
  callbacks: readonly SendCallback[],
  bytes: readonly number[],
  error: Error | null,
  from = 0,
): void {
  let i = from;
  try {
    for (; i < callbacks.length; i++) callbacks[i]!(error, bytes[i]!);
  } finally {
    if (i < callbacks.length) process.nextTick(callAll, callbacks, bytes, error, i + 1);
  }
}

/**
 * Datagrams that a port's sockets send in one turn of the event loop, gathered to be submitted together: one atomic
 * store and at most one doorbell for all of them.
 */
export class TxBurst {
  readonly #port: Port;
  readonly #counters: Float64Array;
  readonly #writer: DatagramWriter;
  /** Frames that are ours to write; the last is taken first. */
  readonly #reserved: TxBatch;
  readonly #ready: TxBatch;
  #callbacks: SendCallback[] = [];
  #callbackBytes: number[] = [];
  #scheduled = false;
  readonly #blocked = new Set<Blocked>();
  #awaitingFrames = false;
  /** Whoever set it flushes soon by itself. */
  held = false;

  constructor(port: Port, counters: Float64Array) {
    this.#port = port;
    this.#counters = counters;
    this.#reserved = port.createTxBatch(RESERVE);
    this.#ready = port.createTxBatch(BURST);
    this.#writer = new DatagramWriter(this.#ready.bytes);
  }

  /** Writes a datagram into a frame, to be submitted before the next turn; false where no frame is free. */
  write(
    payload: Payload,
    length: number,
    template: HeaderTemplate,
    sourcePort: number,
    destinationPort: number,
    ttl: number,
  ): boolean {
    const reserved = this.#reserved;
    if (reserved.count === 0 && this.#port.reserve(reserved) === 0) return false;
    const at = reserved.offset[--reserved.count]!;
    this.#copy(payload, at + PAYLOAD_AT);
    const ready = this.#ready;
    ready.offset[ready.count] = at;
    ready.length[ready.count++] = this.#writer.complete(
      at,
      length,
      template,
      sourcePort,
      destinationPort,
      ttl,
    );
    if (ready.count === BURST) this.#submit();
    else this.#schedule();
    return true;
  }

  /** Has a callback called once all that was written so far is submitted. */
  whenSubmitted(callback: SendCallback, bytes: number): void {
    this.#callbacks.push(callback);
    this.#callbackBytes.push(bytes);
    this.#schedule();
  }

  /** Submits what was written. */
  flush(): void {
    if (this.#ready.count > 0) this.#submit();
    if (this.#callbacks.length > 0) this.#callBack(null);
  }

  /** Has `blocked` resumed when frames are free; those that asked first come first. */
  await(blocked: Blocked): void {
    this.#blocked.add(blocked);
    if (!this.#awaitingFrames) void this.#awaitFrames();
  }

  #copy(payload: Payload, to: number): void {
    const { bytes } = this.#writer.memory;
    if (payload instanceof Uint8Array) {
      bytes.set(payload, to);
      return;
    }
    for (const part of payload) {
      bytes.set(part, to);
      to += part.length;
    }
  }

  #schedule(): void {
    if (this.held || this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  #submit(): void {
    const ready = this.#ready;
    const { count } = ready;
    const sent = this.#port.txBurst(ready);
    // The port is detached: what it was given goes nowhere.
    if (sent < count) this.#callBack(this.#detached());
    ready.count = 0;
    this.#counters[SENT] = this.#counters[SENT]! + sent;
  }

  #detached(): Error {
    const unknown = new NicshareError('Detached', 'The session is over.', 'Attach again.');
    return this.#port.detachedReason ?? unknown;
  }

  #callBack(error: Error | null): void {
    process.nextTick(callAll, this.#callbacks, this.#callbackBytes, error);
    this.#callbacks = [];
    this.#callbackBytes = [];
  }

  async #awaitFrames(): Promise<void> {
    this.#awaitingFrames = true;
    while (this.#blocked.size > 0) {
      this.flush();
      const possible = await this.#port.writable();
      const waiting = [...this.#blocked];
      this.#blocked.clear();
      for (const blocked of waiting) blocked.resume(possible);
    }
    this.#awaitingFrames = false;
    this.flush();
  }
}
