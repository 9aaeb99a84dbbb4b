import { setTimeout as delay } from 'node:timers/promises';
import {
  type ClientMessage,
  type DispatcherMessage,
  decode,
  dispatcherMessage,
  FrameReader,
  frame,
  fromPlainError,
  MAX_DISPATCHER_MESSAGE,
  NicshareError,
  PROTOCOL_VERSION,
  prepare,
  requireSocketPath,
} from '@nicshare/shm';
import nodeIpc from 'node-ipc';

const PATIENCE_MS = 5_000;
const NAME = 'dispatcher';

prepare(dispatcherMessage, { type: 'granted', id: 0, token: '' });

type Request = Exclude<ClientMessage, { type: 'hello' }>;
type Answer = Extract<DispatcherMessage, { id: number }>;
type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;

interface Waiting {
  resolve(answer: Answer): void;
  reject(error: NicshareError): void;
}

/** What the dispatcher says without being asked. */
export interface ProxyListener {
  ended(session: number, reason: NicshareError): void;
  /** The connection is gone; nothing comes any more. */
  lost(reason: NicshareError): void;
}

const notRunning = (path: string, cause?: unknown): NicshareError =>
  new NicshareError(
    'DispatcherNotRunning',
    `No dispatcher listens at ${path}.`,
    "Start one with 'nicshare dispatcher --config FILE', or name its socket: connect({ socket }).",
    cause === undefined ? {} : { cause },
  );

function connectError(path: string, error: NodeJS.ErrnoException): NicshareError {
  if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') return notRunning(path);
  if (error.code !== 'EACCES' && error.code !== 'EPERM') return notRunning(path, error);
  const action =
    "Join the group that the socket belongs to; socket.group and socket.mode of the dispatcher's configuration set it.";
  return new NicshareError('NotAllowed', `This user may not open ${path}.`, action, { cause: error });
}

/** Others connect faster than the dispatcher takes them: it is there, and our turn comes. */
const isQueueFull = (error: unknown): boolean =>
  error instanceof Error && (error.cause as NodeJS.ErrnoException | undefined)?.code === 'EAGAIN';

/** The dispatcher as the client sees it: requests go out, answers come back; the client never sees bytes. */
export class DispatcherProxy {
  readonly #ipc = new nodeIpc.IPC();
  readonly #listener: ProxyListener;
  readonly #path: string;
  readonly #reader = new FrameReader(MAX_DISPATCHER_MESSAGE);
  readonly #waiting = new Map<number, Waiting>();
  #greeting: Waiting | undefined;
  #nextId = 1;
  #lost: NicshareError | undefined;
  #referenced = true;

  private constructor(path: string, listener: ProxyListener) {
    this.#path = path;
    this.#listener = listener;
    const config = { silent: true, rawBuffer: true, encoding: 'latin1', maxRetries: 0, stopRetrying: true };
    Object.assign(this.#ipc.config, config);
  }

  /** Throws NicshareError DispatcherNotRunning, NotAllowed, VersionMismatch or Timeout. */
  static async connect(path: string, listener: ProxyListener): Promise<DispatcherProxy> {
    requireSocketPath(path);
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const proxy = new DispatcherProxy(path, listener);
      try {
        await proxy.#greet();
        return proxy;
      } catch (error) {
        proxy.close();
        if (!isQueueFull(error) || performance.now() > deadline) throw error;
      }
      await delay(1);
    }
  }

  /** Sends a request and returns its answer. Throws the refusal. */
  request<T extends Answer['type']>(
    request: WithoutId<Request>,
    answer: T,
  ): Promise<Extract<Answer, { type: T }>> {
    if (this.#lost) return Promise.reject(this.#lost);
    const id = this.#nextId++;
    const done = new Promise<Extract<Answer, { type: T }>>((resolve, reject) => {
      this.#waiting.set(id, {
        reject,
        resolve: (got) => {
          if (got.type === answer) resolve(got as Extract<Answer, { type: T }>);
          else reject(new NicshareError('ProtocolViolation', `The dispatcher answered ${got.type}.`, ''));
        },
      });
    });
    this.#refer();
    this.#send({ ...request, id } as Request);
    return done;
  }

  /** Whether the connection keeps the process alive; a request that waits for its answer always does. */
  set referenced(referenced: boolean) {
    this.#referenced = referenced;
    this.#refer();
  }

  close(): void {
    this.#lost ??= new NicshareError('Closed', 'The connection was closed.', 'Connect again.');
    this.#rejectAll(this.#lost);
    this.#ipc.disconnect(NAME);
  }

  #greet(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(
          new NicshareError('Timeout', `The dispatcher at ${this.#path} does not answer.`, 'Restart it.'),
        );
      }, PATIENCE_MS);
      const settle =
        <T>(then: (value: T) => void) =>
        (value: T): void => {
          clearTimeout(timer);
          this.#greeting = undefined;
          then(value);
        };
      this.#greeting = { resolve: settle(resolve), reject: settle(reject) };
      this.#ipc.connectTo(NAME, this.#path);
      const connection = this.#ipc.of[NAME]!;
      connection.on('error', (error) => this.#greeting?.reject(connectError(this.#path, error)));
      connection.on('connect', () => this.#send({ type: 'hello', version: PROTOCOL_VERSION }));
      connection.on('data', (chunk) => this.#take(chunk));
      connection.on('disconnect', () => this.#lose(this.#goneWith()));
    });
  }

  #goneWith(): NicshareError {
    return this.#greeting
      ? notRunning(this.#path)
      : new NicshareError(
          'DispatcherStopped',
          'The dispatcher has gone.',
          'Start it again, then connect again.',
        );
  }

  #send(message: ClientMessage): void {
    this.#ipc.of[NAME]?.emit(frame(message));
  }

  #take(chunk: Uint8Array): void {
    try {
      for (const body of this.#reader.push(chunk)) this.#obey(decode(dispatcherMessage, body));
    } catch (error) {
      this.#lose(error as NicshareError);
    }
  }

  #obey(message: DispatcherMessage): void {
    switch (message.type) {
      case 'welcome':
        return this.#greeting?.resolve(undefined as never);
      case 'ended':
        return this.#listener.ended(message.session, fromPlainError(message));
      case 'refused':
        return message.id === null
          ? this.#lose(fromPlainError(message))
          : this.#settle(message.id, (waiting) => waiting.reject(fromPlainError(message)));
      default:
        return this.#settle(message.id, (waiting) => waiting.resolve(message));
    }
  }

  #settle(id: number, how: (waiting: Waiting) => void): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    this.#refer();
    if (waiting) how(waiting);
  }

  #refer(): void {
    const socket = this.#ipc.of[NAME]?.socket;
    if (this.#referenced || this.#waiting.size > 0) socket?.ref();
    else socket?.unref();
  }

  #lose(reason: NicshareError): void {
    if (this.#lost) return;
    this.#lost = reason;
    this.#greeting?.reject(reason);
    this.#rejectAll(reason);
    this.#ipc.disconnect(NAME);
    this.#listener.lost(reason);
  }

  #rejectAll(reason: NicshareError): void {
    for (const waiting of this.#waiting.values()) waiting.reject(reason);
    this.#waiting.clear();
  }
}
