import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { NicshareError } from '@nicshare/shm';
import { SystemError } from '@nicshare/shm/sys';
import type { Answer, Failure, OperationName, Operations, Request } from './operations.js';
import { READY } from './operations.js';
import type { NamespaceOptions } from './own-namespace.js';

const HOLDER = fileURLToPath(new URL('./holder.js', import.meta.url));

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** A network namespace, alive until `close` or the end of this process. */
export class Namespace {
  /** Of the process that holds it. */
  readonly pid: number;
  readonly #holder: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = READY;

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
    this.pid = holder.pid!;
    this.#ended = once(holder, 'exit');
    holder.on('message', (answer: Answer) => this.#settle(answer));
    holder.on('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(endedError());
      this.#waiting.clear();
    });
  }

  /** Makes a namespace with nothing but `lo` in it. Throws SystemError EPERM without root. */
  static async create(options: NamespaceOptions = {}): Promise<Namespace> {
    const holder = fork(HOLDER, options.ipv6 === true ? ['ipv6'] : [], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: [],
    });
    const namespace = new Namespace(holder);
    try {
      await namespace.#answerTo(READY);
      return namespace;
    } catch (error) {
      await namespace.close();
      throw error;
    }
  }

  /** Runs an operation of rtnetlink or ethtool inside. Rejects with SystemError, or NicshareError Closed. */
  async run<Name extends OperationName>(
    operation: Name,
    ...args: Parameters<Operations[Name]>
  ): Promise<ReturnType<Operations[Name]>> {
    if (!this.#holder.connected) throw endedError();
    const request: Request = { id: ++this.#lastId, operation, args };
    const result = this.#answerTo(request.id);
    this.#holder.send(request);
    return (await result) as ReturnType<Operations[Name]>;
  }

  /** Ends the holder; the namespace goes with the last process inside it. Idempotent. */
  async close(): Promise<void> {
    if (this.#holder.connected) this.#holder.disconnect();
    await this.#ended;
  }

  #answerTo(id: number): Promise<unknown> {
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('error' in answer) waiting?.reject(toError(answer.error));
    else waiting?.resolve(answer.result);
  }
}

const endedError = (): NicshareError =>
  new NicshareError('Closed', 'The namespace has been closed.', 'Make another one.');

function toError({ message, call, errno }: Failure): Error {
  if (call !== undefined && errno !== undefined) return new SystemError(call, errno);
  return new Error(message);
}

/** See `Namespace.create`. */
export const createNamespace = (options?: NamespaceOptions): Promise<Namespace> => Namespace.create(options);
