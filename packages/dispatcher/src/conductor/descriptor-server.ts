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
  refuseDescriptors,
  sendDescriptors,
  toPlainError,
} from '@nicshare/shm';
import { libc, type ReadableWatch, watchReadable } from '@nicshare/shm/sys';
import type { Conductor } from './conductor.js';
import { oldestOfGreediest } from './greediest.js';
import { grantAccess, removeSocket, type SocketAccess } from './socket-file.js';

const MAX_CLAIM = 256;
/** Connections that may stand open without having claimed anything; one more ends one of the user who has most. */
const MAX_PENDING = 64;
/** Fewer than may stand open: whoever has just connected is heard before others can push it out. */
const ACCEPTS_A_TURN = 32;
const PATIENCE_MS = 2_000;
/** How long to accept nothing where the process has no descriptors left. */
const PAUSE_MS = 50;

interface Pending {
  readonly uid: number;
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
  #pause: NodeJS.Timeout | undefined;

  constructor(path: string, conductor: Conductor, refused: (code: string) => void) {
    this.path = path;
    this.#conductor = conductor;
    this.#refused = refused;
  }

  listen(access: SocketAccess): void {
    removeSocket(this.path);
    this.#listener = listenUnix(this.path);
    refuseDescriptors(this.#listener);
    this.#watchListener();
    grantAccess(this.path, access);
  }

  close(): void {
    if (this.#listener < 0) return;
    this.#watch?.close();
    clearTimeout(this.#pause);
    libc.close(this.#listener);
    this.#listener = -1;
    for (const fd of [...this.#pending.keys()]) libc.close(this.#forget(fd));
    removeSocket(this.path);
  }

  #watchListener(): void {
    this.#watch = watchReadable(this.#listener, () => this.#acceptSome());
  }

  /** Nothing may be thrown here: nobody would catch it. */
  #acceptSome(): void {
    try {
      for (let count = 0; count < ACCEPTS_A_TURN; count++) {
        const fd = acceptUnix(this.#listener);
        if (fd === undefined) return;
        this.#await(fd);
      }
    } catch {
      // Out of descriptors or memory: a silent connection gives its own back, and others may soon.
      this.#makeRoom();
      this.#watch?.close();
      this.#pause = setTimeout(() => this.#watchListener(), PAUSE_MS);
      this.#pause.unref();
    }
  }

  #await(fd: number): void {
    if (this.#pending.size >= MAX_PENDING) this.#makeRoom();
    const { uid } = peerCredentials(fd);
    const timer = setTimeout(() => this.#losePatience(fd), PATIENCE_MS);
    timer.unref();
    const watch = watchReadable(fd, () => void this.#serve(this.#forget(fd)));
    this.#pending.set(fd, { uid, watch, timer });
  }

  #makeRoom(): void {
    const fd = oldestOfGreediest(this.#pending);
    if (fd !== undefined) this.#losePatience(fd);
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
      const { grant, handOver, abandon } = await this.#conductor.claim(
        token,
        peerCredentials(fd),
        peerGroups(fd),
      );
      try {
        handOver((descriptors) => sendDescriptors(fd, encode(grant), descriptors));
      } catch {
        await abandon();
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
    const refusal = toPlainError(error);
    this.#refused(refusal.code);
    try {
      sendDescriptors(fd, encode({ type: 'refused', id: null, ...refusal }), []);
    } catch {
      // The client has gone; it needs no answer.
    }
  }
}
