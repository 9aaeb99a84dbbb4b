import {
  formatAddress,
  NicshareError,
  noRoute,
  parseAddress,
  stackLayout as S,
  type StackReader,
} from '@nicshare/shm';
import { AddressCache } from './address-cache.js';
import { Asking } from './asking.js';
import { HopTexts } from './hop-texts.js';
import type { NextHop, Resolver } from './resolver.js';
import { StackAttachment } from './stack-attachment.js';

/** Least time between two requests to confirm a stale neighbour. */
const CONFIRM_MS = 5_000;
/** A neighbour that was found may have gone again before we look. */
const ATTEMPTS = 5;
/** Stale neighbours that are remembered as asked about. */
const MAX_CONFIRMED = 4096;

const invalid = (address: string): NicshareError =>
  new NicshareError(
    'InvalidArgument',
    `'${address}' is no IP address.`,
    'Write it like 10.0.0.1 or fd00::1, without a zone.',
  );

const closed = (): NicshareError => new NicshareError('Closed', 'The client was closed.', 'Connect again.');

/** A next hop, and the generation under which it was found. */
interface Cached {
  readonly generation: number;
  readonly hop: NextHop;
}

/**
 * A resolver over the mapped snapshot. A stale neighbour is used as the kernel uses it: at once, while the kernel is
 * asked to confirm it.
 */
export class SnapshotResolver implements Resolver {
  readonly #attachment: StackAttachment;
  readonly #reader: StackReader;
  readonly #asking: Asking;
  readonly #words = new Uint32Array(4);
  readonly #cache = new AddressCache<Cached>();
  readonly #texts = new HopTexts();
  /** When a stale neighbour's confirmation was last asked for. */
  readonly #confirmed = new Map<string, number>();
  #closed = false;

  /** Takes the snapshot's descriptor, and how to ask the dispatcher for a neighbour. Throws as StackAttachment. */
  constructor(descriptor: number, ask: (address: string) => Promise<void>) {
    this.#attachment = new StackAttachment(descriptor);
    this.#reader = this.#attachment.reader;
    this.#asking = new Asking(ask);
  }

  get generation(): number {
    return this.#reader.generation;
  }

  lookup(address: string): NextHop | undefined {
    if (!parseAddress(address, this.#words)) throw invalid(address);
    const cached = this.#cache.get(this.#words);
    // An odd generation is no entry's: somebody writes, so we read.
    if (cached?.generation === this.#reader.generation && !this.#closed) return cached.hop;
    return this.#look(address);
  }

  async resolve(address: string): Promise<NextHop> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const known = this.lookup(address);
      if (known) return known;
      await this.#asking.resolve(address);
    }
    throw new NicshareError(
      'Timeout',
      `The neighbour on the way to ${address} comes and goes.`,
      'Try again.',
    );
  }

  addresses(): string[] {
    if (this.#closed) throw closed();
    const reader = this.#reader;
    return reader.consistent(() => {
      const count = Math.min(reader.cell(S.COUNT_ADDRESSES), S.MAX_ADDRESSES);
      const offsets = Array.from({ length: count }, (_, i) => S.ADDRESSES + i * S.ADDRESS_BYTES);
      return offsets
        .filter((offset) => (reader.cell(offset + S.ADDRESS_FLAGS) & S.ADDRESS_USABLE) !== 0)
        .map((offset) => formatAddress(reader.address(offset, this.#words)));
    });
  }

  /** Unmaps the snapshot; every call throws from now on. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#attachment.unmap();
  }

  /** Looks for the address that is in `#words`. */
  #look(address: string): NextHop | undefined {
    if (this.#closed) throw closed();
    const before = this.#reader.generation;
    const found = this.#reader.find(this.#words);
    if (found.kind !== S.KIND_DEVICE && found.kind !== S.KIND_BROADCAST)
      throw noRoute(address, found.kind, this.#reader);
    if (!found.known) return undefined;
    if (found.state === S.NUD_STALE) this.#confirm(address);
    const hop = this.#texts.hop(found);
    if ((before & 1) === 0 && this.#reader.generation === before)
      this.#cache.set(this.#words, { generation: before, hop });
    return hop;
  }

  /** The kernel sees nothing of our packets, so it has to be told that the neighbour is in use. */
  #confirm(address: string): void {
    const now = performance.now();
    if (now - (this.#confirmed.get(address) ?? Number.NEGATIVE_INFINITY) < CONFIRM_MS) return;
    if (this.#confirmed.size >= MAX_CONFIRMED) this.#confirmed.clear();
    this.#confirmed.set(address, now);
    // What comes of it is seen in the snapshot.
    this.#asking.resolve(address).catch(() => {});
  }
}
