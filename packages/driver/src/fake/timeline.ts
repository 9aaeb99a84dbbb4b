import type { Clock } from '@nicshare/shm';

interface Event {
  readonly time: number;
  readonly happen: () => void;
}

/** What is to happen when, by a clock that may be a test's own: nobody has to sleep for it. */
export class Timeline {
  readonly #clock: Clock;
  /** The first to happen first; of those at one time, the first that was planned. */
  readonly #events: Event[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  at(time: number, happen: () => void): void {
    const later = this.#events.findIndex((event) => event.time > time);
    this.#events.splice(later < 0 ? this.#events.length : later, 0, { time, happen });
  }

  /** Lets all happen that is due, in the order of time; returns when the next is, undefined where nothing is left. */
  advance(): number | undefined {
    const now = this.#clock();
    while (this.#events.length > 0 && this.#events[0]!.time <= now) this.#events.shift()!.happen();
    return this.#events[0]?.time;
  }
}
