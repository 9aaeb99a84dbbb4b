import {
  type ClientMessage,
  clientMessage,
  type DispatcherMessage,
  decode,
  FrameReader,
  MAX_CLIENT_MESSAGE,
  NicshareError,
  PROTOCOL_VERSION,
} from '@nicshare/shm';
import type { Conductor, Owner } from './conductor.js';
import { outOfOrder, versionMismatch } from './refusals.js';

/** What a connection needs of the rest of the dispatcher. */
export interface ConnectionContext {
  readonly conductor: Conductor;
  readonly send: (message: DispatcherMessage) => void;
  /** Sends what is queued, then hangs up. */
  readonly hangUp: () => void;
  readonly stats: () => Promise<unknown>;
  /** Told of the client's greeting. */
  readonly greeted: () => void;
  /** Told of each refusal, by code. */
  readonly refused: (code: string) => void;
}

const asNicshareError = (error: unknown): NicshareError =>
  error instanceof NicshareError
    ? error
    : new NicshareError('SystemError', error instanceof Error ? error.message : String(error), '', {
        cause: error,
      });

/**
 * One client's control connection: turns bytes into checked messages and these into calls of the Conductor. A message
 * that breaks the protocol is answered, counted, and ends the connection and with it its sessions.
 */
export class ControlConnection implements Owner {
  readonly #context: ConnectionContext;
  readonly #reader = new FrameReader(MAX_CLIENT_MESSAGE);
  #greeted = false;
  #closed = false;

  constructor(context: ConnectionContext) {
    this.#context = context;
  }

  take(chunk: Uint8Array): void {
    if (this.#closed) return;
    try {
      for (const body of this.#reader.push(chunk)) this.#obey(decode(clientMessage, body));
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
    const { code, message, action } = reason;
    if (!this.#closed) this.#context.send({ type: 'ended', session, code, message, action });
  }

  #obey(message: ClientMessage): void {
    if (this.#closed) return;
    if (message.type === 'hello') return this.#greet(message.version);
    if (!this.#greeted) throw outOfOrder(`${message.type} before hello`);
    void this.#answer(message);
  }

  #greet(version: number): void {
    if (this.#greeted) throw outOfOrder('a second hello');
    if (version !== PROTOCOL_VERSION) throw versionMismatch(version, PROTOCOL_VERSION);
    this.#greeted = true;
    this.#context.greeted();
    this.#context.send({ type: 'welcome', version: PROTOCOL_VERSION, pid: process.pid });
  }

  async #answer(message: Exclude<ClientMessage, { type: 'hello' }>): Promise<void> {
    const { conductor, send } = this.#context;
    const { id } = message;
    try {
      switch (message.type) {
        case 'attach':
          return send({ type: 'granted', id, token: await conductor.request(this, message.queue) });
        case 'detach':
          await conductor.detach(this, message.session);
          return send({ type: 'detached', id });
        case 'stats':
          return send({ type: 'stats', id, stats: await this.#context.stats() });
      }
    } catch (error) {
      this.#refuse(id, asNicshareError(error));
    }
  }

  #refuse(id: number | null, { code, message, action }: NicshareError): void {
    this.#context.refused(code);
    this.#context.send({ type: 'refused', id, code, message, action });
  }

  #fail(error: unknown): void {
    this.#closed = true;
    this.#refuse(null, asNicshareError(error));
    this.#context.hangUp();
  }
}
