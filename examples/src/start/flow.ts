import { setTimeout as delay } from 'node:timers/promises';
import type { QueueName } from './scenario.js';

const TICK_MS = 5;
/** Packets a tick and flow at most: what a late timer missed beyond that is not made up for. */
const MAX_BURST = 32;
/** Who has not answered for so long does not answer any more. */
export const QUIET_MS = 300;

/** One queue's packets, as the far side of the device sees them; a replay's are those that it has brought. */
export interface FlowTally {
  readonly sent: number;
  /** Packets that came back as they had to, each once. */
  readonly answered: number;
  /** Packets that came back damaged, twice, or unasked. */
  readonly unexpected: number;
}

export type TrafficTally = Partial<Record<QueueName, FlowTally>>;

/** Sends the packets of one queue at a steady rate and recognises their answers by their numbers. */
export class Flow {
  readonly queue: QueueName;
  readonly packetsPerSecond: number;
  readonly answers: boolean;
  readonly #send: (number: number) => boolean;
  readonly #outstanding = new Set<number>();
  #due = 0;
  #sent = 0;
  #answered = 0;
  #unexpected = 0;

  /** `send` returns whether packet `number` left, or was lost on the way rather than refused. */
  constructor(
    role: { queue: QueueName; packetsPerSecond: number; answers: boolean },
    send: (number: number) => boolean,
  ) {
    this.queue = role.queue;
    this.packetsPerSecond = role.packetsPerSecond;
    this.answers = role.answers;
    this.#send = send;
  }

  /** Sends what is due `seconds` after the start. */
  advance(seconds: number): void {
    const due = Math.floor(seconds * this.packetsPerSecond);
    const burst = Math.min(due - this.#due, MAX_BURST);
    this.#due = due;
    for (let i = 0; i < burst; i++) {
      const number = this.#sent;
      if (!this.#send(number)) return;
      this.#sent++;
      if (this.answers) this.#outstanding.add(number);
    }
  }

  /** A packet came back; undefined stands for a damaged one. */
  answer(number: number | undefined): void {
    if (number !== undefined && this.#outstanding.delete(number)) this.#answered++;
    else this.#unexpected++;
  }

  get complete(): boolean {
    return this.#outstanding.size === 0;
  }

  get tally(): FlowTally {
    return { sent: this.#sent, answered: this.#answered, unexpected: this.#unexpected };
  }
}

/** Keeps flows going. */
export class Traffic {
  readonly #flows: readonly Flow[];
  #timer: NodeJS.Timeout | undefined;

  constructor(flows: readonly Flow[]) {
    this.#flows = flows;
  }

  start(): void {
    const start = performance.now();
    this.#timer = setInterval(() => {
      const seconds = (performance.now() - start) / 1000;
      for (const flow of this.#flows) flow.advance(seconds);
    }, TICK_MS);
  }

  /** Sends no more, and returns the tally when no answer is on its way any more. Idempotent. */
  async stop(): Promise<TrafficTally> {
    clearInterval(this.#timer);
    let seen = this.#answers();
    let quietSince = performance.now();
    while (!this.#flows.every((flow) => flow.complete) && performance.now() - quietSince < QUIET_MS) {
      await delay(TICK_MS);
      if (this.#answers() === seen) continue;
      seen = this.#answers();
      quietSince = performance.now();
    }
    return Object.fromEntries(this.#flows.map((flow) => [flow.queue, flow.tally]));
  }

  #answers(): number {
    return this.#flows.reduce((sum, { tally }) => sum + tally.answered + tally.unexpected, 0);
  }
}
