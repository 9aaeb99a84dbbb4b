import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import {
  type ClientMessage,
  clientMessage,
  type DispatcherMessage,
  decode,
  FrameReader,
  MAX_CLIENT_MESSAGE,
  type NicshareError,
  PROTOCOL_VERSION,
  toPlainError,
} from '@nicshare/shm';
import type { Conductor, Owner } from './conductor.js';
import { outOfOrder, versionMismatch } from './refusals.js';

/** Least time between two answers to `stats` of one connection: each disturbs the dataplane. */
const STATS_PAUSE_MS = 50;

/** What a connection needs of the rest of the dispatcher. */
export interface ConnectionContext {
  readonly conductor: Conductor;
  /** The user at the other end. */
  readonly uid: number;
  readonly send: (message: DispatcherMessage) => void;
  /** Sends what is queued, then hangs up. */
  readonly hangUp: () => void;
  /** Has the connection read, or left alone, so that the kernel holds the client back. */
  readonly listen: (listens: boolean) => void;
  readonly stats: () => Promise<unknown>;
  /** Told of the client's greeting. Throws NicshareError where the client's user has too many connections. */
  readonly greeted: () => void;
  /** Told of each refusal, by code. */
  readonly refused: (code: string) => void;
}

/**
 * One client's control connection: turns bytes into checked messages and these into calls of the Conductor, one after
 * the other and one a turn of the event loop: who asks without end waits for its own answers, not others for theirs. A
 * message that breaks the protocol is answered, counted, and ends the connection and with it its sessions.
 */
export class ControlConnection implements Owner {
  readonly #context: ConnectionContext;
  readonly #reader = new FrameReader(MAX_CLIENT_MESSAGE);
  readonly #unanswered: Buffer[] = [];
  #answering = false;
  #statsAt = Number.NEGATIVE_INFINITY;
  #greeted = false;
  #closed = false;

  constructor(context: ConnectionContext) {
    this.#context = context;
  }

  get uid(): number {
    return this.#context.uid;
  }

  take(chunk: Uint8Array): void {
    if (this.#closed) return;
    try {
      this.#unanswered.push(...this.#reader.push(chunk));
      if (!this.#answering) void this.#answerAll();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The other side has gone; a message that it began and did not end is counted. */
  async gone(): Promise<void> {
    if (this.#reader.partial && !this.#closed) this.#context.refused('ProtocolViolation');
    this.#closed = true;
    await this.#context.conductor.ownerGone(this);
  }

  sessionEnded(session: number, reason: NicshareError): void {
    if (!this.#closed) this.#context.send({ type: 'ended', session, ...toPlainError(reason) });
  }

  async #answerAll(): Promise<void> {
    this.#answering = true;
    this.#context.listen(false);
    try {
      for (let body = this.#unanswered.shift(); body && !this.#closed; body = this.#unanswered.shift()) {
        await this.#obey(decode(clientMessage, body));
        if (this.#unanswered.length > 0) await nextTurn();
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#answering = false;
    this.#context.listen(true);
  }

  #obey(message: ClientMessage): void | Promise<void> {
    if (message.type === 'hello') return this.#greet(message.version);
    if (!this.#greeted) throw outOfOrder(`${message.type} before hello`);
    return this.#answer(message);
  }

  #greet(version: number): void {
    if (this.#greeted) throw outOfOrder('a second hello');
    if (version !== PROTOCOL_VERSION) throw versionMismatch(version, PROTOCOL_VERSION);
    this.#context.greeted();
    this.#greeted = true;
    this.#context.send({ type: 'welcome', version: PROTOCOL_VERSION, pid: process.pid });
  }

  async #answer(message: Exclude<ClientMessage, { type: 'hello' }>): Promise<void> {
    const { conductor, send } = this.#context;
    const { id } = message;
    try {
      switch (message.type) {
        case 'attach':
          return send({ type: 'granted', id, token: await conductor.request(this, message.queue) });
        case 'tap':
          return send(await this.#tap(message));
        case 'detach':
          await conductor.detach(this, message.session);
          return send({ type: 'detached', id });
        case 'stack':
          return send({ type: 'granted', id, token: await conductor.requestStack(this) });
        case 'resolve':
          // It may take seconds, and holds up nothing else of the connection.
          return void this.#resolve(id, message.address);
        case 'stats':
          return send({ type: 'stats', id, stats: await this.#stats() });
      }
    } catch (error) {
      this.#refuse(id, error);
    }
  }

  #tap(wish: Extract<ClientMessage, { type: 'tap' }>): DispatcherMessage {
    const { conductor } = this.#context;
    const token = conductor.requestTap(this, wish);
    const queues = conductor.queues.map(({ config }) => config.name);
    return { type: 'tapGranted', id: wish.id, token, device: conductor.deviceName, queues };
  }

  async #resolve(id: number, address: string): Promise<void> {
    try {
      await this.#context.conductor.stack.resolve(this, address);
      if (!this.#closed) this.#context.send({ type: 'resolved', id });
    } catch (error) {
      if (!this.#closed) this.#refuse(id, error);
    }
  }

  async #stats(): Promise<unknown> {
    const early = this.#statsAt + STATS_PAUSE_MS - performance.now();
    if (early > 0) await delay(early, undefined, { ref: false });
    this.#statsAt = performance.now();
    return this.#context.stats();
  }

  #refuse(id: number | null, error: unknown): void {
    const refusal = toPlainError(error);
    this.#context.refused(refusal.code);
    this.#context.send({ type: 'refused', id, ...refusal });
  }

  #fail(error: unknown): void {
    this.#closed = true;
    this.#refuse(null, error);
    this.#context.hangUp();
  }
}
