import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PacketTap, TapBatch } from '@nicshare/client';
import type { PacketFilter } from './filter.js';
import type { Output } from './output.js';
import { TapRecords } from './records.js';

const BURST = 64;
/** Bursts after which signals are heard though packets wait. */
const BURSTS_A_TURN = 16;
/** How long the last packets may take to a reader that does not read. */
const LAST_WRITE_MS = 500;

/** What a recorder works with. */
export interface RecorderParts {
  readonly tap: PacketTap;
  /** The tapped queue's name; undefined where it is the whole device. */
  readonly queue: string | undefined;
  readonly snaplen: number;
  readonly output: Output;
  readonly filter: PacketFilter | undefined;
  /** Packets to write; Infinity: all. */
  readonly limit: number;
  /** Aborted when it is enough. */
  readonly stop: AbortSignal;
}

/** Copies a tap's packets to an output. */
export class Recorder {
  readonly #parts: RecorderParts;
  readonly #batch: TapBatch;
  readonly #records: TapRecords;
  readonly #stop: AbortSignal;
  /** Ends the wait at hand. */
  #interrupt: () => void = () => {};
  #taken = 0;
  /** A write was given up. */
  #stuck = false;

  constructor(parts: RecorderParts) {
    this.#parts = parts;
    this.#batch = parts.tap.createBatch(BURST);
    this.#records = new TapRecords(parts.tap, this.#batch, parts.queue, parts.snaplen);
    this.#stop = AbortSignal.any([parts.stop, parts.output.gone]);
    this.#stop.addEventListener('abort', () => this.#interrupt(), { once: true });
  }

  /** Packets that it has taken up. */
  get packets(): number {
    return this.#records.packets;
  }

  /** Returns when there are enough packets, it was stopped, or the tap has ended. Throws NicshareError OutputFailed. */
  async run(): Promise<void> {
    await this.#flush();
    for (let bursts = 1; !this.#done && !this.#stop.aborted; bursts++) {
      if ((await this.#take()) > 0) {
        if (bursts % BURSTS_A_TURN === 0) await nextTurn();
        continue;
      }
      // Whoever reads sees each packet as soon as there is time.
      await this.#flush();
      if (!(await this.#moreComes())) return;
    }
  }

  /** Writes what had come by now, and the statistics. Throws NicshareError OutputFailed. */
  async finish(): Promise<void> {
    const { tap, output } = this.#parts;
    const { captured, tooSlow, skipped } = tap.counters;
    while (!this.#done && !output.gone.aborted && !this.#stuck && this.#taken < captured) await this.#take();
    if (this.#records.blocks.full) await this.#flush();
    this.#records.end(tooSlow + skipped);
    await this.#flush();
  }

  get #done(): boolean {
    return this.#records.packets >= this.#parts.limit;
  }

  async #take(): Promise<number> {
    const { tap } = this.#parts;
    const batch = this.#batch;
    const count = tap.rxBurst(batch);
    for (let i = 0; i < count && !this.#done; i++) {
      this.#records.came(batch, i);
      if (!this.#fits(i)) continue;
      if (this.#records.blocks.full) await this.#flush();
      this.#records.add(batch, i);
    }
    tap.release(batch);
    this.#taken += count;
    return count;
  }

  #fits(i: number): boolean {
    const { bytes, offset, length, originalLength } = this.#batch;
    const { filter } = this.#parts;
    return !filter || filter.matches(bytes, offset[i]!, length[i]!, originalLength[i]!);
  }

  async #moreComes(): Promise<boolean> {
    if (this.#stop.aborted) return false;
    return new Promise((resolve) => {
      this.#interrupt = () => resolve(false);
      void this.#parts.tap.readable().then(resolve);
    });
  }

  /** The blocks' memory is free for new ones afterwards. */
  async #flush(): Promise<void> {
    const { blocks } = this.#records;
    if (blocks.used > 0 && !this.#stuck) {
      const bytes = blocks.bytes.subarray(blocks.area, blocks.area + blocks.used);
      await this.#patiently(this.#parts.output.write(bytes));
    }
    blocks.used = 0;
  }

  /** Waits for a write; once it was stopped no longer than LAST_WRITE_MS, for the reader may have stopped, too. */
  #patiently(written: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const giveUp = (): void => {
        this.#stuck = true;
        resolve();
      };
      const hurry = (): void => {
        timer = setTimeout(giveUp, LAST_WRITE_MS);
      };
      this.#interrupt = hurry;
      if (this.#stop.aborted) hurry();
      written.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }
}
