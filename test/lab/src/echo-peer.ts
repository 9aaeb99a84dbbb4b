import { setTimeout as sleep } from 'node:timers/promises';
import { flowsOf, numbered, readNumbers, turned } from './frames.js';
import type { Wire } from './wire.js';

/** What came of an exchange, in frames; all but `sent` and `echoed` are faults. */
export interface Findings {
  readonly sent: number;
  readonly echoed: number;
  readonly doubled: number;
  /** Came after a later one of its flow. */
  readonly disordered: number;
  readonly damaged: number;
}

export interface Exchange {
  readonly frames: number;
  readonly bytes: number;
  /** Frames under way at most; fewer than a ring of the card holds. */
  readonly window?: number;
  /** Wait between one frame and the next. */
  readonly pauseMs?: number;
}

/** Without an echo for so long what is under way counts as lost. */
const PATIENCE_MS = 20_000;
const SETTLE_MS = 300;
const SETTLE_TRIES = 200;

/** The far end of a card whose owner echoes datagrams to `ports`: sends numbered ones and checks what comes back. */
export class EchoPeer {
  readonly #wire: Wire;
  readonly #ports: readonly number[];
  #epoch = 0;

  constructor(wire: Wire, ports: readonly number[]) {
    this.#wire = wire;
    this.#ports = ports;
  }

  /** Sends so many frames over all flows, and waits for their echoes. */
  async exchange({ frames, bytes, window = 256, pauseMs }: Exchange): Promise<Findings> {
    const epoch = ++this.#epoch;
    const seen = new Uint8Array(frames);
    const last = new Int32Array(flowsOf(this.#ports)).fill(-1);
    const found = { sent: 0, echoed: 0, doubled: 0, disordered: 0, damaged: 0 };
    const sendNext = (): void => void this.#wire.send(numbered(this.#ports, epoch, found.sent++, bytes));
    const take = (frame: Buffer): void => {
      const numbers = readNumbers(frame);
      if (numbers?.epoch !== epoch || numbers.number >= frames) return;
      const { number } = numbers;
      if (!turned(frame).equals(numbered(this.#ports, epoch, number, bytes))) found.damaged++;
      if (seen[number]) found.doubled++;
      else found.echoed++;
      seen[number] = 1;
      const flow = number % last.length;
      if (number < last[flow]!) found.disordered++;
      last[flow] = number;
    };
    this.#wire.onFrame = (frame) => {
      take(frame);
      while (pauseMs === undefined && found.sent < frames && found.sent - found.echoed < window) sendNext();
    };
    if (pauseMs === undefined) while (found.sent < Math.min(window, frames)) sendNext();
    else for (; found.sent < frames; await sleep(pauseMs)) sendNext();
    await progress(() => found.echoed, frames);
    // What comes twice comes after all.
    await sleep(SETTLE_MS);
    this.#wire.onFrame = undefined;
    return found;
  }

  /** Sends frames until a frame of every flow came back, and so what was under way before is gone. Throws Error. */
  async settle(): Promise<void> {
    const epoch = ++this.#epoch;
    const missing = new Set(Array.from({ length: flowsOf(this.#ports) }, (_, flow) => flow));
    this.#wire.onFrame = (frame) => {
      const numbers = readNumbers(frame);
      if (numbers?.epoch === epoch) missing.delete(numbers.number);
    };
    for (let tries = 0; missing.size > 0; tries++) {
      if (tries === SETTLE_TRIES) throw new Error(`nothing comes back of the flows ${[...missing].join()}`);
      for (const flow of missing) this.#wire.send(numbered(this.#ports, epoch, flow, 64));
      await sleep(SETTLE_MS);
    }
    this.#wire.onFrame = undefined;
  }

  /** Keeps frames coming, whether or not they are echoed, until it is told to end. */
  flood(bytes: number): () => void {
    const epoch = ++this.#epoch;
    let number = 0;
    const send = (): boolean => this.#wire.send(numbered(this.#ports, epoch, number++, bytes));
    // One for each that comes back, and some more, for nothing does while nobody is there.
    this.#wire.onFrame = send;
    const timer = setInterval(() => {
      for (let i = 0; i < 32 && send(); i++);
    }, 10);
    return () => {
      clearInterval(timer);
      this.#wire.onFrame = undefined;
    };
  }

  /** Sends a frame, again and again, until an answer comes that is right. Throws Error where none does. */
  async ask(frame: Buffer, isAnswer: (frame: Buffer) => boolean): Promise<void> {
    let answered = false;
    this.#wire.onFrame = (came) => {
      answered ||= isAnswer(came);
    };
    for (let tries = 0; !answered; tries++) {
      if (tries === SETTLE_TRIES) throw new Error('no answer came');
      this.#wire.send(frame);
      for (let waited = 0; !answered && waited < 1000; waited += 10) await sleep(10);
    }
    this.#wire.onFrame = undefined;
  }
}

/** Waits until a count has come to its end, or stands still. */
async function progress(count: () => number, end: number): Promise<void> {
  let before = count();
  let since = performance.now();
  while (count() < end && performance.now() - since < PATIENCE_MS) {
    await sleep(20);
    if (count() === before) continue;
    before = count();
    since = performance.now();
  }
}
