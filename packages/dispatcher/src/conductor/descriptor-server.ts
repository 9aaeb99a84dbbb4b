import {
  acceptUnix,
  claim,
  decode,
  encode,
  listenUnix,
  NicshareError,
  peerCredentials,
  peerGroups,
  receiveDescriptors,
  sendDescriptors,
} from '@nicshare/shm';
import { libc, type ReadableWatch, watchReadable } from '@nicshare/shm/sys';
import type { Conductor } from './conductor.js';
import { grantAccess, removeSocket, type SocketAccess } from './socket-file.js';

const MAX_CLAIM = 256;
/** Connections that may stand open without having claimed anything; one more ends the oldest. */
const MAX_PENDING = 64;
const PATIENCE_MS = 2_000;

interface Pending {
  readonly fd: number;
  readonly watch: ReadableWatch;
  readonly timer: NodeJS.Timeout;
}

/**
 * The socket beside the control socket over which a client claims its session: one message each way, the answer with
 * the session's descriptors. The kernel says who is at the other end; that identity decides.
 */
export class DescriptorServer {
  readonly path: string;
  readonly #conductor: Conductor;
  readonly #refused: (code: string) => void;
  readonly #pending = new Map<number, Pending>();
  #listener = -1;
  #watch: ReadableWatch | undefined;

  constructor(path: string, conductor: Conductor, refused: (code: string) => void) {
    this.path = path;
    this.#conductor = conductor;
    this.#refused = refused;
  }

  listen(access: SocketAccess): void {
    removeSocket(this.path);
    this.#listener = listenUnix(this.path);
    this.#watch = watchReadable(this.#listener, () => this.#acceptAll());
    grantAccess(this.path, access);
  }

  close(): void {
    if (this.#listener < 0) return;
    this.#watch?.close();
    libc.close(this.#listener);
    this.#listener = -1;
    for (const fd of [...this.#pending.keys()]) libc.close(this.#forget(fd));
    removeSocket(this.path);
  }

  #acceptAll(): void {
    for (let fd = acceptUnix(this.#listener); fd !== undefined; fd = acceptUnix(this.#listener))
      this.#await(fd);
  }

  #await(fd: number): void {
    const [oldest] = this.#pending.keys();
    if (oldest !== undefined && this.#pending.size >= MAX_PENDING) this.#losePatience(oldest);
    const timer = setTimeout(() => this.#losePatience(fd), PATIENCE_MS);
    timer.unref();
    const watch = watchReadable(fd, () => void this.#serve(this.#forget(fd)));
    this.#pending.set(fd, { fd, watch, timer });
  }

  #losePatience(fd: number): void {
    this.#refused('ProtocolViolation');
    libc.close(this.#forget(fd));
  }

  #forget(fd: number): number {
    const pending = this.#pending.get(fd);
    this.#pending.delete(fd);
    pending?.watch.close();
    clearTimeout(pending?.timer);
    return fd;
  }

  async #serve(fd: number): Promise<void> {
    try {
      const token = this.#readClaim(fd);
      const { grant, handOver } = await this.#conductor.claim(token, peerCredentials(fd), peerGroups(fd));
      try {
        handOver((descriptors) => sendDescriptors(fd, encode(grant), descriptors));
      } catch {
        await this.#conductor.abandon(grant.session);
      }
    } catch (error) {
      this.#refuse(fd, error);
    } finally {
      libc.close(fd);
    }
  }

  #readClaim(fd: number): string {
    const received = receiveDescriptors(fd, MAX_CLAIM);
    if (typeof received === 'string')
      throw new NicshareError(
        'ProtocolViolation',
        `The claim did not come whole: ${received}.`,
        'Ask again.',
      );
    for (const sent of received.descriptors) libc.close(sent);
    return decode(claim, received.bytes).token;
  }

  #refuse(fd: number, error: unknown): void {
    const known = error instanceof NicshareError;
    const code = known ? error.code : 'SystemError';
    const message = error instanceof Error ? error.message : String(error);
    this.#refused(code);
    try {
      sendDescriptors(
        fd,
        encode({ type: 'refused', id: null, code, message, action: known ? error.action : '' }),
        [],
      );
    } catch {
      // The client has gone; it needs no answer.
    }
  }
}
