import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

const PARENT_WATCH = new URL('./parent-watch.js', import.meta.url).href;
const PATIENCE_MS = 5_000;
const MAX_LINES = 50;

/** Arguments of Node for a part's program: it ends when the orchestrator does. */
export const watched = (program: string, ...args: string[]): string[] => [
  '--import',
  PARENT_WATCH,
  program,
  ...args,
];

/** Of spawn: a process group of its own, so that Ctrl-C reaches the orchestrator alone; it ends the parts in order. */
export const PART_OPTIONS: SpawnOptions = { detached: true, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] };

/** Rejects when the first of the parts ends before its time. */
export function firstFailure(parts: readonly Part[]): Promise<never> {
  const failure = Promise.race(parts.map((part) => part.failed));
  failure.catch(() => {});
  return failure;
}

/** A process of the demo. */
export class Part {
  readonly name: string;
  /** Rejects when the process ends before `stop`. */
  readonly failed: Promise<never>;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #errors: string[] = [];
  #stopping = false;

  constructor(name: string, child: ChildProcess, onLine: (line: string) => void = () => {}) {
    this.name = name;
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      child.once('close', resolve);
      child.once('error', resolve);
    });
    createInterface(child.stdout!).on('line', onLine);
    createInterface(child.stderr!).on('line', (line) => {
      if (this.#errors.length < MAX_LINES) this.#errors.push(line);
    });
    this.failed = this.#ended.then(() => {
      if (this.#stopping) return new Promise<never>(() => {});
      throw this.#endedError();
    });
    this.failed.catch(() => {});
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Asks the process by its IPC channel, one question at a time. Throws where it ends instead of answering. */
  async ask<Answer>(question: string): Promise<Answer> {
    const answer = once(this.#child, 'message');
    this.#child.send(question, () => {});
    const [value] = await Promise.race([answer, this.failed]);
    return value as Answer;
  }

  /** Ends the process, by force where it takes too long. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#child.kill('SIGTERM');
    const patience = new AbortController();
    const impatient = delay(PATIENCE_MS, true, { signal: patience.signal }).catch(() => false);
    if ((await Promise.race([this.#ended.then(() => false), impatient])) === true)
      this.#child.kill('SIGKILL');
    patience.abort();
    await this.#ended;
  }

  #endedError(): Error {
    const { exitCode, signalCode } = this.#child;
    const how = signalCode === null ? `with status ${exitCode}` : `by ${signalCode}`;
    const said = errorText(this.#errors);
    return new Error(`The ${this.name} ended ${how}${said === '' ? '.' : `:\n${said}`}`);
  }
}

/** Of what a process wrote when it failed: `Name: message`, without the source line above and the stack below. */
function errorText(lines: readonly string[]): string {
  const start = lines.findIndex((line) => /^\w+: /.test(line));
  if (start < 0) return lines.join('\n');
  const end = lines.findIndex((line, index) => index > start && /^ {4}at /.test(line));
  return lines.slice(start, end < 0 ? undefined : end).join('\n');
}
