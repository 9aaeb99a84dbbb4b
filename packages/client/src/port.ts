import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type NicshareError,
  type QueueMode,
  readSessionCounters,
  type SessionCounters,
  type SessionGrant,
} from '@nicshare/shm';
import { EventEmitter } from 'eventemitter3';
import type { Attachment } from './attachment.js';
import { type Batch, TxBatch } from './batch.js';
import { Receiver } from './receiver.js';
import type { Resolver } from './resolver.js';
import { Sender } from './sender.js';
import { type Condition, Wakeups } from './wakeups.js';

const ITERATOR_BATCH = 64;
/** Batches after which a `for await` lets the event loop have a turn though packets wait. */
const BATCHES_A_TURN = 16;

/** Events of a Port, and what their listeners are given. */
export interface PortEvents {
  /** Packets wait; comes again until they were taken. */
  readable: [];
  /** After a send that found no free frame: frames are free. */
  drain: [];
  /** The session is over; packets that had come can still be taken. Undefined where `close()` was called here. */
  detached: [reason: NicshareError | undefined];
  /** A handler of `readable` threw. */
  error: [error: unknown];
}

/** What a port needs of the client that made it. */
export interface PortOwner {
  detach(session: number): Promise<void>;
  resolver(): Promise<Resolver>;
  /** A port's isReferenced has changed. */
  refer(): void;
}

/** What a claimed session is made of. */
export interface SessionParts {
  readonly owner: PortOwner;
  readonly grant: SessionGrant;
  readonly attachment: Attachment;
  readonly wakeFd: number;
  readonly debug: boolean;
  /** Called once where the dispatcher is found dead by the wakeup descriptor. */
  readonly lost: () => void;
}

/** An attachment to a queue: receives and sends packets, Ethernet header first. */
export class Port extends EventEmitter<PortEvents> {
  /** The queue's name. */
  readonly queue: string;
  /** The device's MAC address, as '02:00:00:00:00:01'. */
  readonly mac: string;
  /** Longest packet that can be sent, Ethernet header included. */
  readonly maxPacket: number;
  /** Whether received packets lie in memory of this session's own, or are read where the device put them. */
  readonly mode: QueueMode;
  /** RX frames that it may hold, those that wait in its ring included; beyond that packets are lost and counted. */
  readonly credit: number;
  /** The dispatcher does not defend itself against this client's memory: it runs as root or as the same user. */
  readonly trusted: boolean;
  /** The session's number at the dispatcher. */
  readonly session: number;
  readonly #owner: PortOwner;
  readonly #attachment: Attachment;
  readonly #receiver: Receiver;
  readonly #sender: Sender;
  readonly #wakeups: Wakeups;
  readonly #packets: Condition;
  readonly #frames: Condition;
  #detached = false;
  #referenced = true;
  #reason: NicshareError | undefined;
  #pumping = false;
  #awaitingDrain = false;

  constructor(options: SessionParts) {
    super();
    const { grant, attachment, wakeFd, debug } = options;
    this.queue = grant.queue;
    this.mac = grant.mac;
    this.maxPacket = grant.maxPacket;
    this.mode = grant.mode;
    this.credit = grant.credit;
    this.trusted = grant.trusted;
    this.session = grant.session;
    this.#owner = options.owner;
    this.#attachment = attachment;
    const receiver = new Receiver(attachment, debug);
    const sender = new Sender(attachment, grant, wakeFd, debug);
    this.#receiver = receiver;
    this.#sender = sender;
    this.#wakeups = new Wakeups(wakeFd, options.lost);
    this.#packets = {
      holds: () => receiver.readable,
      announceSleep: (epoch) => receiver.announceSleep(epoch),
    };
    this.#frames = { holds: () => sender.writable, announceSleep: (epoch) => sender.announceSleep(epoch) };
  }

  /** Whether the session is over. */
  get isDetached(): boolean {
    return this.#detached || this.#receiver.ended;
  }

  /** Why the session ended; undefined while it stands, and after `close()`. */
  get detachedReason(): NicshareError | undefined {
    return this.#reason;
  }

  /** What the dispatcher has counted for this session, by reason; all zero after `close()`. */
  get counters(): SessionCounters {
    const { buffer, dispatcherRegion } = this.#attachment;
    return readSessionCounters(new DataView(buffer), dispatcherRegion);
  }

  /** The resolver of the client that attached: see Client.resolver. */
  resolver(): Promise<Resolver> {
    return this.#owner.resolver();
  }

  /** A batch to receive into, to be made once. */
  createBatch(capacity = ITERATOR_BATCH): Batch {
    return this.#receiver.createBatch(capacity);
  }

  /** A batch to compose packets in, to be made once. */
  createTxBatch(capacity = ITERATOR_BATCH): TxBatch {
    return this.#sender.createBatch(capacity);
  }

  /**
   * Takes packets that wait into an empty batch and returns their count. Never blocks, allocates nothing. The frames
   * are the caller's until `release`. Throws NicshareError InvalidArgument where the batch is not empty.
   */
  rxBurst(batch: Batch): number {
    return this.#receiver.rxBurst(batch);
  }

  /** Gives a received batch's frames back; the batch is empty then. */
  release(batch: Batch): void {
    this.#receiver.release(batch);
  }

  /** Puts up to `wanted` free frames into an empty batch and returns their count; 0 means back-pressure. */
  reserve(batch: TxBatch, wanted = batch.capacity): number {
    const count = this.isDetached ? 0 : this.#sender.reserve(batch, wanted);
    if (count === 0) this.#promiseDrain();
    return count;
  }

  /**
   * Sends a batch and returns how many packets were taken: a reserved one whole, a received one by copying as many as
   * there are free frames (it still has to be released). Throws NicshareError InvalidArgument for a wrong length.
   */
  txBurst(batch: Batch): number {
    if (this.isDetached) return 0;
    if (batch instanceof TxBatch) return this.#sender.submit(batch);
    const count = this.#sender.forward(batch);
    if (count < batch.count) this.#promiseDrain();
    return count;
  }

  /** Copies and sends one packet. Throws NicshareError InvalidArgument where its length is out of range. */
  send(packet: Uint8Array): 'sent' | 'back-pressure' | 'detached' {
    if (this.isDetached) return 'detached';
    if (this.#sender.send(packet)) return 'sent';
    this.#promiseDrain();
    return 'back-pressure';
  }

  /** Resolves with true when packets wait, with false when the session is over and all were taken. */
  readable(): Promise<boolean> {
    return this.#wakeups.wait(this.#packets);
  }

  /** Resolves with true when TX frames are free, with false when the session is over. */
  async writable(): Promise<boolean> {
    return !this.isDetached && (await this.#wakeups.wait(this.#frames)) && !this.isDetached;
  }

  /** Blocks the thread until packets wait, at most `timeoutMs` milliseconds. */
  waitReadable(timeoutMs: number): 'readable' | 'timeout' | 'detached' {
    const result = this.#wakeups.waitSync(this.#packets, timeoutMs);
    if (result === undefined) return this.isDetached ? 'detached' : 'timeout';
    return result ? 'readable' : 'detached';
  }

  /**
   * Yields received packets, always in the same batch, which is released at the next turn: copy what you keep. Ends
   * when the session is over and all packets were taken; `detachedReason` says why.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined> {
    const batch = this.createBatch(ITERATOR_BATCH);
    let batches = 0;
    try {
      while (this.rxBurst(batch) > 0 || (await this.readable())) {
        if (batch.count === 0) continue;
        yield batch;
        this.release(batch);
        if (++batches % BATCHES_A_TURN === 0) await nextTurn();
      }
    } finally {
      this.release(batch);
    }
  }

  override on<E extends keyof PortEvents>(event: E, listener: (...args: PortEvents[E]) => void): this {
    super.on(event, listener as never);
    if (event === 'readable') void this.#pump();
    return this;
  }

  override once<E extends keyof PortEvents>(event: E, listener: (...args: PortEvents[E]) => void): this {
    super.once(event, listener as never);
    if (event === 'readable') void this.#pump();
    return this;
  }

  /** Whether the port keeps the process alive: while it waits for packets, and by its client's connection. */
  get isReferenced(): boolean {
    return this.#referenced;
  }

  /** Takes unref back. */
  ref(): this {
    return this.#refer(true);
  }

  /** Lets the process end though the port is attached. A client whose ports all do so holds it no longer either. */
  unref(): this {
    return this.#refer(false);
  }

  /** Leaves the queue. Views of the packets read zeros from now on. Idempotent. */
  async close(): Promise<void> {
    if (!this.#detached) {
      this.end(undefined);
      await this.#owner.detach(this.session);
    }
    this.#attachment.unmap();
  }

  /** @internal Ends the port from the client's side of the control channel; packets that have come stay readable. */
  end(reason: NicshareError | undefined): void {
    if (this.#detached) return;
    this.#detached = true;
    this.#reason = reason;
    this.#wakeups.end();
    this.emit('detached', reason);
  }

  #refer(referenced: boolean): this {
    if (this.#referenced === referenced) return this;
    this.#referenced = referenced;
    this.#wakeups.referenced = referenced;
    this.#owner.refer();
    return this;
  }

  /** Emits `readable` while somebody listens. */
  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    await nextTurn();
    while (this.listenerCount('readable') > 0 && (await this.readable())) {
      try {
        this.emit('readable');
      } catch (error) {
        this.emit('error', error);
      }
      await nextTurn();
      if (this.#detached) break;
    }
    this.#pumping = false;
  }

  #promiseDrain(): void {
    if (this.#awaitingDrain || this.#detached || this.listenerCount('drain') === 0) return;
    this.#awaitingDrain = true;
    void this.writable().then((writable) => {
      this.#awaitingDrain = false;
      if (writable) this.emit('drain');
    });
  }
}
