import {
  AF_INET,
  AF_INET6,
  attribute,
  change,
  NDA_DST,
  NLM_F_CREATE,
  NTF_USE,
  RTM_NEWNEIGH,
} from '@nicshare/driver/netlink';
import {
  formatAddress,
  NicshareError,
  noRoute,
  parseAddress,
  stackLayout as S,
  type StackReader,
} from '@nicshare/shm';
import { oldestOfGreediest } from '../conductor/greediest.js';
import { isIpv4Number, numberToWords, toBytes, wordsToNumber } from './ip.js';
import type { Neighbour } from './neighbour-table.js';
import { RateLimit } from './rate-limit.js';

/** Requests that one connection may have waiting. */
const MAX_OF_ONE = 64;
/** Of all connections together: so many entries of the kernel's table (1,024 by default) are unanswered for us. */
const MAX_WAITING = 256;
/** The kernel gives a neighbour up after three seconds by default; it may be configured to take longer. */
const PATIENCE_MS = 10_000;
/** Times a second that a user may have the kernel look for a neighbour, and at once after a pause. */
const ASKS_A_SECOND = 100;
const ASKS_AT_ONCE = 200;

const tooMany = (what: string): NicshareError =>
  new NicshareError('TooManyRequests', what, 'Ask again in a moment.');

const failed = (nextHop: string, why: string): NicshareError =>
  new NicshareError(
    'NeighbourFailed',
    `${nextHop} ${why}.`,
    'See whether the host is up, and whether a queue takes the ARP or ICMPv6 packets that the kernel waits for.',
  );

/** Who asks. */
export interface Asker {
  readonly uid: number;
}

interface Waiting {
  readonly uid: number;
  readonly asker: Asker;
  readonly nextHop: bigint;
  readonly timer: NodeJS.Timeout;
  settle(error?: NicshareError): void;
}

export interface RequestCounters {
  /** Asked by clients. */
  readonly requests: number;
  /** Times that the kernel was asked to look for a neighbour. */
  readonly asked: number;
  /** Neighbours that did not answer, as the kernel says. */
  readonly failures: number;
  /** Requests on which the kernel said nothing in time. */
  readonly timeouts: number;
}

/** Has the kernel look for neighbours that clients need. Clients name destinations; who is asked for follows from that. */
export class NeighbourRequests {
  readonly #reader: StackReader;
  readonly #interfaceIndex: () => number;
  readonly #waiting = new Map<number, Waiting>();
  readonly #limit = new RateLimit(ASKS_A_SECOND, ASKS_AT_ONCE);
  readonly #words = new Uint32Array(4);
  readonly #counters = { requests: 0, asked: 0, failures: 0, timeouts: 0 };
  #nextId = 0;

  constructor(reader: StackReader, interfaceIndex: () => number) {
    this.#reader = reader;
    this.#interfaceIndex = interfaceIndex;
  }

  counters(): RequestCounters {
    return { ...this.#counters };
  }

  /**
   * Resolves when the snapshot has the neighbour on the way to an address. Throws NicshareError InvalidArgument,
   * NoRoute, NeighbourFailed, Timeout, TooManyRequests.
   */
  async resolve(asker: Asker, address: string): Promise<void> {
    this.#counters.requests++;
    if (!parseAddress(address, this.#words))
      throw new NicshareError('InvalidArgument', `'${address}' is no IP address.`, 'Write it like 10.0.0.1.');
    const found = this.#reader.find(this.#words);
    if (found.kind !== S.KIND_DEVICE && found.kind !== S.KIND_BROADCAST)
      throw noRoute(address, found.kind, this.#reader);
    const nextHop = wordsToNumber(found.nextHop);
    if (!found.known) await this.#wait(asker, nextHop);
    else if (found.state === S.NUD_STALE) this.#askKernel(asker, nextHop);
  }

  /** Answers those who wait for a neighbour. */
  changed(address: bigint, neighbour: Neighbour | undefined): void {
    if (this.#waiting.size === 0 || !neighbour) return;
    const known = (neighbour.state & S.NUD_VALID) !== 0;
    if (!known && neighbour.state !== S.NUD_FAILED) return;
    for (const waiting of [...this.#waiting.values()]) {
      if (waiting.nextHop !== address) continue;
      if (!known) this.#counters.failures++;
      waiting.settle(known ? undefined : failed(this.#text(address), 'does not answer'));
    }
  }

  /** Forgets what a closed connection waits for. */
  askerGone(asker: Asker): void {
    for (const waiting of [...this.#waiting.values()])
      if (waiting.asker === asker) waiting.settle(tooMany('The connection is gone.'));
  }

  close(reason: NicshareError): void {
    for (const waiting of [...this.#waiting.values()]) waiting.settle(reason);
  }

  #wait(asker: Asker, nextHop: bigint): Promise<void> {
    const own = [...this.#waiting.values()].filter((waiting) => waiting.asker === asker).length;
    if (own >= MAX_OF_ONE) throw tooMany(`This connection waits for ${own} neighbours already.`);
    const isNew = ![...this.#waiting.values()].some((waiting) => waiting.nextHop === nextHop);
    if (isNew) this.#askKernel(asker, nextHop);
    if (this.#waiting.size >= MAX_WAITING) this.#endOneOfGreediest();
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      const timer = setTimeout(() => {
        this.#counters.timeouts++;
        waiting.settle(this.#late(nextHop));
      }, PATIENCE_MS);
      timer.unref();
      const settle = (error?: NicshareError): void => {
        clearTimeout(timer);
        if (!this.#waiting.delete(id)) return;
        if (error) reject(error);
        else resolve();
      };
      const waiting: Waiting = { uid: asker.uid, asker, nextHop, timer, settle };
      this.#waiting.set(id, waiting);
    });
  }

  #endOneOfGreediest(): void {
    const id = oldestOfGreediest(this.#waiting);
    if (id !== undefined) this.#waiting.get(id)!.settle(tooMany('Too many neighbours are waited for.'));
  }

  /**
   * As if a packet were sent: the kernel begins to look for the neighbour, or to confirm a stale one (neigh_add of
   * net/core/neighbour.c). Throws NicshareError TooManyRequests, NeighbourFailed.
   */
  #askKernel(asker: Asker, nextHop: bigint): void {
    if (!this.#limit.take(asker.uid)) throw tooMany(`User ${asker.uid} asks for neighbours too often.`);
    this.#counters.asked++;
    // struct ndmsg: family, interface, state, flags.
    const ndmsg = Buffer.alloc(12);
    ndmsg[0] = isIpv4Number(nextHop) ? AF_INET : AF_INET6;
    ndmsg.writeInt32LE(this.#interfaceIndex(), 4);
    ndmsg[10] = NTF_USE;
    try {
      const parts = [ndmsg, attribute(NDA_DST, toBytes(nextHop))];
      change('look for a neighbour', RTM_NEWNEIGH, NLM_F_CREATE, parts);
    } catch (error) {
      this.#counters.failures++;
      throw failed(this.#text(nextHop), `cannot be looked for (${(error as Error).message})`);
    }
  }

  #text(address: bigint): string {
    return formatAddress(numberToWords(address, new Uint32Array(4)));
  }

  #late(nextHop: bigint): NicshareError {
    return new NicshareError(
      'Timeout',
      `The kernel has not said within ${PATIENCE_MS / 1000} seconds who ${this.#text(nextHop)} is.`,
      'See `ip neigh` where the dispatcher runs.',
    );
  }
}
