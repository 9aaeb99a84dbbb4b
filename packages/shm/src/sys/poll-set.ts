import { POLLERR, POLLHUP, POLLIN, POLLNVAL } from './constants.js';
import { check, EINTR, errno, libc } from './libc.js';

const POLLFD_SIZE = 8;

/** What poll(2) said of a descriptor. */
export const READABLE = POLLIN;
export const GONE = POLLERR | POLLHUP | POLLNVAL;

/** A set of descriptors to sleep on with poll(2); made once, used at every sleep. */
export class PollSet {
  readonly #bytes: Buffer;
  readonly #fds: readonly number[];
  /** struct timespec: seconds, nanoseconds. */
  readonly #timespec = Buffer.alloc(16);

  constructor(fds: readonly number[]) {
    this.#fds = fds;
    this.#bytes = Buffer.alloc(Math.max(1, fds.length) * POLLFD_SIZE);
    fds.forEach((fd, index) => {
      this.#bytes.writeInt32LE(fd, index * POLLFD_SIZE);
      this.#bytes.writeInt16LE(POLLIN, index * POLLFD_SIZE + 4);
    });
  }

  /** Sleeps until a descriptor is readable or gone, or the time is over; returns how many are. Blocks the thread. */
  wait(timeoutMs: number): number {
    return this.#ready(libc.poll(this.#bytes, this.#fds.length, timeoutMs));
  }

  /** The same for short times: at most a second, and as exact as the thread's timer slack (50 us) lets it be. */
  waitMicroseconds(timeout: number): number {
    this.#timespec.writeUInt32LE(Math.min(timeout, 999_999) * 1000, 8);
    return this.#ready(libc.ppoll(this.#bytes, this.#fds.length, this.#timespec, null));
  }

  #ready(result: number): number {
    if (result < 0 && errno() === EINTR) return 0;
    return check(result, 'poll');
  }

  /** The descriptor's events after `wait`: a mask to test with READABLE and GONE. */
  events(index: number): number {
    return this.#bytes.readInt16LE(index * POLLFD_SIZE + 6);
  }

  /** Leaves a descriptor out of the coming waits, or takes it in again. */
  mute(index: number, muted: boolean): void {
    const fd = this.#fds[index]!;
    this.#bytes.writeInt32LE(muted ? -1 - fd : fd, index * POLLFD_SIZE);
    if (muted) this.#bytes.writeInt16LE(0, index * POLLFD_SIZE + 6);
  }
}
