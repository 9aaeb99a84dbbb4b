import { refuseDescriptors } from '../channel/unix-socket.js';
import * as sys from '../sys/index.js';

const { libc } = sys;
const ONE = new Uint8Array(1);
const SINK = new Uint8Array(64);

/**
 * Two connected descriptors by which two processes wake each other. A socket pair and not an eventfd: an eventfd's
 * O_NONBLOCK lives on the description that both share, so a peer could clear it, fill the counter and hang the
 * waker; here the flag is the waker's own argument, whatever the peer does. `own` takes no descriptors from the peer
 * where the kernel can refuse them.
 */
export function createWakePair(): { own: number; peer: number } {
  const pair = new Int32Array(2);
  const type = sys.SOCK_SEQPACKET | sys.SOCK_CLOEXEC | sys.SOCK_NONBLOCK;
  sys.check(libc.socketpair(sys.AF_UNIX, type, 0, pair), 'socketpair');
  refuseDescriptors(pair[0]!);
  return { own: pair[0]!, peer: pair[1]! };
}

/**
 * Wakes the other side; never blocks. `full`: it has wake-ups that it has not read, so it is awake or will be.
 * `gone`: its end is closed.
 */
export function wake(fd: number): 'sent' | 'full' | 'gone' {
  if (libc.send(fd, ONE, 1, sys.MSG_DONTWAIT | sys.MSG_NOSIGNAL) >= 0) return 'sent';
  return sys.errno() === sys.EAGAIN ? 'full' : 'gone';
}

/** Takes all wake-ups that wait, at most `limit`; returns how many, or -1 where the other end is closed. */
export function drainWakeups(fd: number, limit = 1024): number {
  for (let count = 0; count < limit; count++) {
    const length = libc.recv(fd, SINK, SINK.length, sys.MSG_DONTWAIT);
    if (length > 0) continue;
    if (length === 0) return -1;
    return sys.errno() === sys.EAGAIN ? count : -1;
  }
  return limit;
}
