import { drainWakeups } from '@nicshare/shm';
import { libc, PollSet, type ReadableWatch, watchReadable } from '@nicshare/shm/sys';

/** Something of a port that one can wait for. */
export interface Condition {
  /** Whether it holds now. */
  holds(): boolean;
  /** Asks the dispatcher for a wakeup when it may hold; 0 takes that back. */
  announceSleep(epoch: number): void;
}

/**
 * A port's wakeup descriptor: waits for a condition, with or without blocking the thread. Whoever waits first says so
 * in shared memory and looks once more before sleeping, so no wakeup is lost.
 */
export class Wakeups {
  readonly #fd: number;
  readonly #pollSet: PollSet;
  readonly #gone: () => void;
  #waiters = new Set<() => void>();
  #watch: ReadableWatch | undefined;
  #epoch = 0;
  #ended = false;
  #referenced = true;
  /** The dispatcher's end is closed: no wakeup comes any more, and the control channel will say why. */
  #deaf = false;

  /** `gone` is called once where the dispatcher's end of the descriptor is closed. */
  constructor(fd: number, gone: () => void) {
    this.#fd = fd;
    this.#pollSet = new PollSet([fd]);
    this.#gone = gone;
  }

  /** Resolves with true when the condition holds, with false when the port has ended. Blocks nothing. */
  async wait(condition: Condition): Promise<boolean> {
    while (!condition.holds()) {
      if (this.#ended) return false;
      if (!this.#announce(condition)) break;
      await this.#nextWakeup();
      condition.announceSleep(0);
    }
    return true;
  }

  /** The same, blocking the thread for at most `timeoutMs`; undefined where the time is over. */
  waitSync(condition: Condition, timeoutMs: number): boolean | undefined {
    const deadline = performance.now() + timeoutMs;
    while (!condition.holds()) {
      const left = deadline - performance.now();
      if (this.#ended || this.#deaf) return false;
      if (left <= 0) return undefined;
      if (!this.#announce(condition)) break;
      if (this.#pollSet.wait(Math.ceil(left)) > 0) this.#drain();
      condition.announceSleep(0);
    }
    return true;
  }

  /** Whether a wait keeps the process alive; it does at first. */
  set referenced(referenced: boolean) {
    this.#referenced = referenced;
    if (this.#waiters.size > 0) this.#refer();
  }

  /** Ends all waits, now and later, and closes the descriptor. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (!this.#deaf) this.#watch?.close();
    libc.close(this.#fd);
    this.#wakeAll();
  }

  /** Returns false where the condition holds after all. */
  #announce(condition: Condition): boolean {
    this.#epoch = (this.#epoch + 1) | 0 || 1;
    condition.announceSleep(this.#epoch);
    if (!condition.holds()) return true;
    condition.announceSleep(0);
    return false;
  }

  #nextWakeup(): Promise<void> {
    if (!this.#deaf) {
      this.#watch ??= watchReadable(this.#fd, () => {
        if (this.#drain()) this.#wakeAll();
      });
      this.#refer();
    }
    return new Promise((resolve) => {
      this.#waiters.add(resolve);
    });
  }

  #refer(): void {
    if (this.#ended || this.#deaf) return;
    if (this.#referenced) this.#watch?.ref();
    else this.#watch?.unref();
  }

  #wakeAll(): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    if (!this.#ended && !this.#deaf) this.#watch?.unref();
    for (const wake of waiters) wake();
  }

  /** Takes the wakeups; returns false where the dispatcher's end is closed. */
  #drain(): boolean {
    // One is the rule: each sleep is answered once. A second would wake us once more, no harm.
    if (drainWakeups(this.#fd, 1) >= 0) return true;
    this.#deaf = true;
    this.#watch?.close();
    this.#gone();
    return false;
  }
}
