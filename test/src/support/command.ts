import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Namespace, spawnInside } from '@nicshare/netlab';
import type { ExecutionContext } from 'ava';

/** The `nicshare` command. */
export const PROGRAM = fileURLToPath(
  new URL('../../../packages/dispatcher/bin/nicshare.js', import.meta.url),
);

/** A run of the `nicshare` command, or of another program. */
export class Command {
  readonly process: ChildProcess;
  output = '';
  errors = '';
  readonly #ended: Promise<unknown>;

  /** Starts it, in a namespace where one is given; it is killed at the end of the test where it still runs then. */
  static start(t: ExecutionContext, args: readonly string[], namespace?: Namespace): Command {
    return Command.startProgram(t, [PROGRAM, ...args], namespace ? { namespace } : {});
  }

  /** As `start`, but another program: of Node, where none is named. */
  static startProgram(
    t: ExecutionContext,
    argv: readonly string[],
    {
      program = process.execPath,
      namespace,
      env = process.env,
    }: { program?: string; namespace?: Namespace; env?: NodeJS.ProcessEnv } = {},
  ): Command {
    const options: SpawnOptions = { stdio: ['ignore', 'pipe', 'pipe'], env };
    const command = new Command(
      namespace ? spawnInside(namespace, program, argv, options) : spawn(program, argv, options),
    );
    t.teardown(() => command.end('SIGKILL'));
    return command;
  }

  /** Runs it to its end; returns its status. */
  static async run(t: ExecutionContext, args: readonly string[], namespace?: Namespace): Promise<Command> {
    const command = Command.start(t, args, namespace);
    await command.#ended;
    return command;
  }

  private constructor(started: ChildProcess) {
    this.process = started;
    this.#ended = once(started, 'close');
    started.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.output += text;
    });
    started.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.errors += text;
    });
  }

  get status(): number | null {
    return this.process.exitCode;
  }

  /** Waits for words in its output. Throws where it ends before. */
  async says(words: string): Promise<void> {
    while (!this.output.includes(words)) {
      if (this.process.exitCode !== null || this.process.signalCode !== null)
        throw new Error(`It ended before it said '${words}': ${this.errors || this.output}`);
      await Promise.race([once(this.process.stdout!, 'data'), this.#ended]);
    }
  }

  /** Resolves with its status when it has ended. */
  async ended(): Promise<number | null> {
    await this.#ended;
    return this.status;
  }

  /** Sends a signal where it runs, and waits for its end. */
  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill(signal);
    await this.#ended;
  }
}
