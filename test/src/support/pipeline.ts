import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import type { ExecutionContext } from 'ava';
import { PROGRAM } from './command.js';
import { until } from './until.js';

/** A process says on descriptor 3 who it is before it becomes what it is to be. */
const NAMED = 'sh -c \'echo "$0 $$" >&3; exec "$@"\'';
const quoted = (words: readonly string[]): string => words.map((word) => `'${word}'`).join(' ');

/** `nicshare tap ARGS -w - | READER`, by a shell. */
export class Pipeline {
  /** What the reader prints. */
  output = '';
  /** What the tap says on stderr. */
  errors = '';
  #said = '';
  readonly #ended: Promise<unknown>;

  constructor(t: ExecutionContext, args: readonly string[], reader: readonly string[]) {
    const tap = quoted([process.execPath, PROGRAM, 'tap', ...args, '-w', '-']);
    const line = `{ ${NAMED} tap ${tap}; echo "status $?" >&3; } | ${NAMED} reader ${quoted(reader)} 2>/dev/null`;
    const shell = spawn('sh', ['-c', line], { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
    const hear = (fd: 1 | 2 | 3, take: (text: string) => void): void => {
      (shell.stdio[fd] as Readable).setEncoding('utf8').on('data', take);
    };
    hear(1, (text) => {
      this.output += text;
    });
    hear(2, (text) => {
      this.errors += text;
    });
    hear(3, (text) => {
      this.#said += text;
    });
    this.#ended = once(shell, 'close');
    t.teardown(() => {
      for (const who of ['tap', 'reader'] as const) if (this.#number(who)) this.#kill(who, 'SIGKILL');
    });
  }

  /** The tap's exit status; undefined while it runs. */
  get status(): number | undefined {
    return this.#number('status');
  }

  async signal(who: 'tap' | 'reader', signal: NodeJS.Signals): Promise<void> {
    await until(`there is a ${who}`, () => this.#number(who) !== undefined);
    this.#kill(who, signal);
  }

  /** Waits for the tap's end, and returns its status. */
  async tapEnds(): Promise<number | undefined> {
    await until('the tap ends', () => this.status !== undefined);
    return this.status;
  }

  /** Waits until both have ended. */
  async ends(): Promise<void> {
    await this.#ended;
  }

  #number(name: string): number | undefined {
    const found = new RegExp(`^${name} (\\d+)$`, 'm').exec(this.#said);
    return found ? Number(found[1]) : undefined;
  }

  #kill(who: string, signal: NodeJS.Signals): void {
    try {
      process.kill(this.#number(who)!, signal);
    } catch {
      // It has ended.
    }
  }
}
