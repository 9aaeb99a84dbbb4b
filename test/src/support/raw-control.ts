import { connect, type Socket } from 'node:net';
import {
  type ClientMessage,
  type DispatcherMessage,
  decode,
  dispatcherMessage,
  FrameReader,
  frame,
  MAX_DISPATCHER_MESSAGE,
  PROTOCOL_VERSION,
} from '@nicshare/shm';

type Of<T extends DispatcherMessage['type']> = Extract<DispatcherMessage, { type: T }>;

/** A control connection without the client package: it can say anything. */
export class RawControl {
  readonly socket: Socket;
  readonly #reader = new FrameReader(MAX_DISPATCHER_MESSAGE);
  readonly #heard: DispatcherMessage[] = [];
  #closed = false;
  #waiting: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      for (const body of this.#reader.push(chunk)) this.#heard.push(decode(dispatcherMessage, body));
      this.#tellAll();
    });
    socket.on('close', () => {
      this.#closed = true;
      this.#tellAll();
    });
  }

  static open(path: string): Promise<RawControl> {
    return new Promise((resolve, reject) => {
      const socket = connect(path, () => resolve(new RawControl(socket)));
      socket.once('error', reject);
    });
  }

  /** Opens one and greets. */
  static async greeted(path: string): Promise<RawControl> {
    const control = await RawControl.open(path);
    control.send({ type: 'hello', version: PROTOCOL_VERSION });
    await control.next('welcome');
    return control;
  }

  send(message: ClientMessage | Record<string, unknown>): void {
    this.socket.write(frame(message));
  }

  sendBytes(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Whether a message of a type has come; leaves it. */
  has(type: DispatcherMessage['type']): boolean {
    return this.#heard.some((message) => message.type === type);
  }

  /** Takes the next message of a type. Throws where the connection closes before. */
  async next<T extends DispatcherMessage['type']>(type: T): Promise<Of<T>> {
    for (;;) {
      const index = this.#heard.findIndex((message) => message.type === type);
      if (index >= 0) return this.#heard.splice(index, 1)[0] as Of<T>;
      if (this.#closed) throw new Error(`The dispatcher hung up before it said '${type}'`);
      await this.#news();
    }
  }

  /** Resolves when the dispatcher has hung up. */
  async hungUp(): Promise<void> {
    while (!this.#closed) await this.#news();
  }

  close(): void {
    this.socket.destroy();
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #tellAll(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
