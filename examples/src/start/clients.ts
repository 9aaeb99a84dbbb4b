import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import type { ClientTally } from './account.js';
import { USER_VARIABLE } from './environment.js';
import { firstFailure, PART_OPTIONS, Part, watched } from './part.js';
import { NOBODY, type QueueName, ROLES } from './scenario.js';
import type { Stage, StageOptions } from './stage.js';

const LOOK_MS = 20;
/** Attaching takes milliseconds, starting Node on a busy machine some seconds. */
const ATTACHED_MS = 30_000;

/** The three examples, each a process of an unprivileged user. */
export class Clients {
  readonly #parts: ReadonlyMap<QueueName, Part>;

  private constructor(parts: ReadonlyMap<QueueName, Part>) {
    this.#parts = parts;
  }

  static start(socket: string, { cleanup }: Pick<StageOptions, 'cleanup'>): Clients {
    const env = { ...process.env, NICSHARE_SOCKET: socket, [USER_VARIABLE]: String(NOBODY) };
    const parts = new Map<QueueName, Part>();
    for (const { queue, program } of ROLES) {
      const child = spawn(process.execPath, watched(program, queue), { ...PART_OPTIONS, env });
      const part = new Part(`client of ${queue}`, child);
      cleanup.defer(() => part.stop());
      parts.set(queue, part);
    }
    return new Clients(parts);
  }

  /** Rejects when a client ends too early. */
  get failed(): Promise<never> {
    return firstFailure([...this.#parts.values()]);
  }

  /** Resolves when each queue has its client. Throws where that takes too long, or `failure` is aborted. */
  async attached(stage: Stage, failure: AbortSignal): Promise<void> {
    const deadline = performance.now() + ATTACHED_MS;
    while (!(await stage.stats()).queues.every(({ client }) => client !== null)) {
      if (performance.now() > deadline) throw new Error('The clients have not attached to their queues.');
      await delay(LOOK_MS, undefined, { signal: failure });
    }
  }

  async tallies(): Promise<Record<QueueName, ClientTally>> {
    const tallies = [...this.#parts].map(async ([queue, part]) => [queue, await part.ask('tally')]);
    return Object.fromEntries(await Promise.all(tallies));
  }
}
