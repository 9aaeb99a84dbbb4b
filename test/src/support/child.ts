import { type ChildProcess, fork, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Namespace, spawnInside } from '@nicshare/netlab';
import type { ExecutionContext } from 'ava';

/** What a process of a test says and is told; `event` names it. */
export interface Message {
  readonly event: string;
  readonly [field: string]: unknown;
}

const STDIO: SpawnOptions = { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] };

/** A process of a test: one of the scripts in `processes`. */
export class Child {
  readonly process: ChildProcess;
  readonly #heard: Message[] = [];
  readonly #ended: Promise<unknown>;
  #waiting: (() => void)[] = [];

  /** Starts a script; it is killed at the end of the test where it still runs then. */
  static start(t: ExecutionContext, script: string, args: readonly string[], namespace?: Namespace): Child {
    const file = fileURLToPath(new URL(`../processes/${script}.js`, import.meta.url));
    const started = namespace
      ? spawnInside(namespace, process.execPath, [file, ...args], STDIO)
      : fork(file, [...args], { ...STDIO, execArgv: [] });
    const child = new Child(started);
    t.teardown(() => child.kill('SIGKILL'));
    return child;
  }

  private constructor(started: ChildProcess) {
    this.process = started;
    this.#ended = once(started, 'exit');
    started.on('message', (message: Message) => {
      this.#heard.push(message);
      this.#tellAll();
    });
    started.on('exit', () => this.#tellAll());
  }

  get pid(): number {
    return this.process.pid!;
  }

  /** What ended it: a signal's name or an exit code; null while it runs. */
  get end(): string | number | null {
    return this.process.signalCode ?? this.process.exitCode;
  }

  /** Takes the next message of a name, leaving others. Throws where the process ends before. */
  async next(event: string): Promise<Message> {
    for (;;) {
      const index = this.#heard.findIndex((message) => message.event === event);
      if (index >= 0) return this.#heard.splice(index, 1)[0]!;
      if (this.end !== null) throw new Error(`The process ended (${this.end}) before it said '${event}'`);
      await this.#news();
    }
  }

  tell(event: string, fields: object = {}): void {
    this.process.send({ event, ...fields });
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** Sends a signal where it runs, and waits for its end. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    if (this.end === null) this.process.kill(signal);
    await this.#ended;
  }

  /** Resolves with what ended it. */
  async exit(): Promise<string | number | null> {
    await this.#ended;
    return this.end;
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
