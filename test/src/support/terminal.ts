import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, createReadStream, writeSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import koffi from 'koffi';
import { PROGRAM } from './command.js';

/** In the C library itself from glibc 2.34 on, before in libutil, which is there still. */
const openpty = koffi
  .load('libutil.so.1')
  .func(
    'int openpty(_Out_ int *master, _Out_ int *slave, void *name, const void *termios, const void *winsize)',
  );
const ROWS = 40;
const COLUMNS = 120;

/** The `nicshare` command, or another program, on a terminal (pty(7)) of its own. */
export class Terminal {
  output = '';
  readonly #process: ChildProcess;
  readonly #master: number;
  readonly #ended: Promise<unknown>;

  static start(t: ExecutionContext, args: readonly string[], env = process.env, program = PROGRAM): Terminal {
    const [master, slave] = [[0], [0]];
    const size = Buffer.from(Uint16Array.of(ROWS, COLUMNS, 0, 0).buffer);
    if (openpty(master, slave, null, null, size) !== 0) throw new Error('openpty failed');
    const terminal = new Terminal([program, ...args], env, master[0]!, slave[0]!);
    closeSync(slave[0]!);
    t.teardown(() => terminal.#process.kill('SIGKILL'));
    return terminal;
  }

  private constructor(argv: readonly string[], env: NodeJS.ProcessEnv, master: number, slave: number) {
    this.#master = master;
    this.#process = spawn(process.execPath, argv, { env, stdio: [slave, slave, slave] });
    this.#ended = once(this.#process, 'exit');
    const reader = createReadStream('', { fd: master, encoding: 'utf8' });
    reader.on('data', (text) => {
      this.output += text;
    });
    // The other side is closed: EIO.
    reader.on('error', () => reader.destroy());
  }

  type(keys: string): void {
    writeSync(this.#master, keys);
  }

  /** Waits for its end; returns its status. */
  async end(): Promise<number | null> {
    await this.#ended;
    return this.#process.exitCode;
  }
}
