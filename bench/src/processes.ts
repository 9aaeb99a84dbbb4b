import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { on, once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { enterCommand, type Namespace } from '@nicshare/netlab';
import { type Peer, peerPath } from './compile-peers.js';

/** Where a process runs: on which core if not on any, and in which namespace if not in ours. */
export interface Place {
  readonly core?: number;
  readonly namespace?: Namespace;
  /** Descriptor that the process finds as its descriptor 4. */
  readonly descriptor?: number;
}

const hasTaskset = (): boolean => spawnSync('taskset', ['--version'], { stdio: 'ignore' }).status === 0;

/** Why processes cannot be pinned to cores here, or undefined where they can. */
export const whyNotPinned = (): string | undefined =>
  hasTaskset()
    ? undefined
    : "There is no 'taskset' here (package util-linux): the benchmark pins processes to cores by it.";

/** The argv that runs `command` at a place. All its threads are pinned: the mask is set before it starts. */
function placed({ core, namespace }: Place, command: readonly string[]): string[] {
  const inside = namespace === undefined ? command : enterCommand(namespace, command);
  return core === undefined ? [...inside] : ['taskset', '-c', String(core), ...inside];
}

const running = new Set<ChildProcess>();

function started(child: ChildProcess): ChildProcess {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** Ends what is still running; for the way out. */
export function endAll(): void {
  for (const child of running) child.kill('SIGKILL');
}

type Numbers = Record<string, number>;
const argumentsOf = (options: Record<string, string | number>): string[] =>
  Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);

/** Runs a C peer, which pins itself, to its end; returns the object that it prints. Rejects where it fails. */
export async function runPeer(
  peer: Peer,
  options: Record<string, string | number>,
  namespace?: Namespace,
): Promise<Numbers> {
  const own = [peerPath(peer), ...argumentsOf(options)];
  const [program, ...rest] = namespace === undefined ? own : enterCommand(namespace, own);
  const promise = promisify(execFile)(program!, rest);
  started(promise.child);
  return JSON.parse((await promise).stdout);
}

/** A C peer that says when it is ready and tells its results at its end. */
export interface ServingPeer {
  readonly ready: Record<string, unknown>;
  /** Sends SIGTERM; returns what it printed last. */
  stop(): Promise<Numbers>;
}

export async function startPeer(
  peer: Peer,
  options: Record<string, string | number>,
  namespace: Namespace,
): Promise<ServingPeer> {
  const [program, ...rest] = enterCommand(namespace, [peerPath(peer), ...argumentsOf(options)]);
  const child = started(spawn(program!, rest, { stdio: ['ignore', 'pipe', 'inherit'] }));
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const next = async (): Promise<Record<string, never>> => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`The peer ${peer} ended without its results.`);
    return JSON.parse(value);
  };
  return {
    ready: await next(),
    stop: async () => {
      child.kill('SIGTERM');
      const results = await next();
      await once(child, 'exit');
      return results;
    },
  };
}

type Message = Readonly<Record<string, never>>;

/** One of our own processes, spoken to by messages. */
export class OwnProcess {
  readonly #child: ChildProcess;
  readonly #messages: AsyncIterator<Message[]>;

  constructor(child: ChildProcess, name: string) {
    this.#child = child;
    const end = new AbortController();
    this.#messages = on(child, 'message', { signal: end.signal });
    child.once('close', (status) => end.abort(new Error(`The process ${name} ended with status ${status}.`)));
  }

  /** The next message. Rejects where the process ends first. */
  async message(): Promise<Message> {
    try {
      return (await this.#messages.next()).value[0];
    } catch (error) {
      throw (error as Error).cause ?? error;
    }
  }

  /** Asks and returns the answer. */
  ask(type: 'usage' | 'stop'): Promise<Message> {
    this.#child.send({ type });
    return this.message();
  }

  /** Returns its last message when it has ended. */
  async lastMessage(): Promise<Message> {
    const ended = once(this.#child, 'close');
    const last = await this.message();
    await ended;
    return last;
  }

  /** Asks it to end; returns its last message when it has. */
  stop(): Promise<Message> {
    this.#child.send({ type: 'stop' });
    return this.lastMessage();
  }
}

/** Starts one of the scripts in ours/ with its settings; resolves when it says that it is ready. */
export async function startOwn(script: string, settings: object, place: Place): Promise<OwnProcess> {
  const path = fileURLToPath(new URL(`./ours/${script}.js`, import.meta.url));
  const [program, ...rest] = placed(place, [process.execPath, path, JSON.stringify(settings)]);
  const extra = place.descriptor === undefined ? [] : [place.descriptor];
  const child = started(spawn(program!, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...extra] }));
  const own = new OwnProcess(child, script);
  await own.message();
  return own;
}
