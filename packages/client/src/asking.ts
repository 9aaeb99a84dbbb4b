import { setTimeout as delay } from 'node:timers/promises';
import { isNicshareError, NicshareError } from '@nicshare/shm';

/** Requests that are with the dispatcher at a time; it would refuse more than twice as many. */
const MAX_ASKED = 32;
/** A neighbour that does not answer fails after three seconds by the kernel's defaults. */
const PATIENCE_MS = 15_000;
const RETRY_MS = 100;

const timeout = (address: string): NicshareError =>
  new NicshareError(
    'Timeout',
    `Nobody has said within ${PATIENCE_MS / 1000} seconds who ${address} is.`,
    'Look at `ip neigh` where the dispatcher runs.',
  );

/** Sends requests to resolve addresses: each address once at a time, few at a time, again where told to come later. */
export class Asking {
  readonly #ask: (address: string) => Promise<void>;
  readonly #asked = new Map<string, Promise<void>>();
  readonly #turns: (() => void)[] = [];
  #free = MAX_ASKED;

  constructor(ask: (address: string) => Promise<void>) {
    this.#ask = ask;
  }

  /** Resolves when the dispatcher says that the snapshot has it. Throws its refusal, or NicshareError Timeout. */
  resolve(address: string): Promise<void> {
    const asked = this.#asked.get(address);
    if (asked) return asked;
    const asking = this.#inTime(address).finally(() => this.#asked.delete(address));
    this.#asked.set(address, asking);
    return asking;
  }

  async #inTime(address: string): Promise<void> {
    const late = new AbortController();
    const expired = delay(PATIENCE_MS, undefined, { signal: late.signal, ref: false }).then(
      () => {
        throw timeout(address);
      },
      () => undefined,
    );
    try {
      await Promise.race([this.#inTurn(address, late.signal), expired]);
    } finally {
      late.abort();
    }
  }

  async #inTurn(address: string, late: AbortSignal): Promise<void> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#turns.push(resolve));
    else this.#free--;
    try {
      while (!late.aborted && !(await this.#accepted(address))) await delay(RETRY_MS);
    } finally {
      const next = this.#turns.shift();
      if (next) next();
      else this.#free++;
    }
  }

  /** Whether the dispatcher took the request, and answered it. */
  async #accepted(address: string): Promise<boolean> {
    try {
      await this.#ask(address);
      return true;
    } catch (error) {
      if (isNicshareError(error, 'TooManyRequests')) return false;
      throw error;
    }
  }
}
