import { check, libc as shm } from '@nicshare/shm/sys';
import { CLOCK_MONOTONIC, libc, TFD_CLOEXEC, TFD_NONBLOCK } from '../sys.js';

const NANOSECONDS = 1e9;
/** struct itimerspec: the interval, then the time until it fires, each as seconds and nanoseconds of 64 bits. */
const ITIMERSPEC = 32;
const VALUE_SECONDS = 16;
const VALUE_NANOSECONDS = 24;
/** A longer sleep is cut short, and looked at again. */
const MAX_SECONDS = 1_000_000;

/** A descriptor that becomes readable when a time is over (timerfd_create(2)). */
export class SleepTimer {
  readonly fd = check(libc.timerfdCreate(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), 'timerfd_create');
  readonly #value = Buffer.alloc(ITIMERSPEC);
  #armed = false;

  /** Makes it readable after `nanoseconds`. */
  arm(nanoseconds: number): void {
    const seconds = Math.min(Math.floor(nanoseconds / NANOSECONDS), MAX_SECONDS);
    // All zeros would disarm it.
    const rest = Math.min(Math.max(Math.ceil(nanoseconds - seconds * NANOSECONDS), 1), NANOSECONDS - 1);
    this.#set(seconds, rest);
    this.#armed = true;
  }

  /** It is not readable any more. */
  disarm(): void {
    if (!this.#armed) return;
    this.#set(0, 0);
    this.#armed = false;
  }

  #set(seconds: number, nanoseconds: number): void {
    this.#value.writeUInt32LE(seconds, VALUE_SECONDS);
    this.#value.writeUInt32LE(nanoseconds, VALUE_NANOSECONDS);
    check(libc.timerfdSettime(this.fd, 0, this.#value, null), 'timerfd_settime');
  }

  close(): void {
    shm.close(this.fd);
  }
}
