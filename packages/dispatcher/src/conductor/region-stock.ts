import {
  type Arena,
  createOwnRegion,
  createPeerRegion,
  destroyRegion,
  type HugepagePolicy,
  type Region,
  type SessionShape,
} from '@nicshare/shm';

/** The memory of one session, split by writer. */
export interface SessionRegions {
  /** Written by the dispatcher, read by the client. */
  readonly dispatcher: Region;
  /** Written by the client. */
  readonly client: Region;
}

/** Long enough after an attach that filling the stock up does not delay it. */
const REFILL_MS = 20;

/**
 * Sessions' memory, a few pieces of it made in advance with all pages present, so that an attach does not wait for
 * the kernel to zero them. What a session had is destroyed with it and never comes back into the stock.
 */
export class RegionStock {
  readonly #arena: Arena;
  readonly #shape: SessionShape;
  readonly #hugepages: HugepagePolicy;
  /** How many pieces may be kept now. */
  readonly #limit: () => number;
  readonly #spare: SessionRegions[] = [];
  #refill: NodeJS.Timeout | undefined;

  constructor(arena: Arena, shape: SessionShape, hugepages: HugepagePolicy, limit: () => number) {
    this.#arena = arena;
    this.#shape = shape;
    this.#hugepages = hugepages;
    this.#limit = limit;
    this.#fill();
  }

  /** Throws NicshareError OutOfMemory. */
  take(): SessionRegions {
    this.#refill ??= setTimeout(() => this.#fill(), REFILL_MS).unref();
    return this.#spare.pop() ?? this.#create();
  }

  /** Destroys a session's memory. */
  destroy({ dispatcher, client }: SessionRegions): void {
    destroyRegion(this.#arena, client);
    destroyRegion(this.#arena, dispatcher);
  }

  close(): void {
    clearTimeout(this.#refill);
    for (const regions of this.#spare.splice(0)) this.destroy(regions);
  }

  #create(): SessionRegions {
    const dispatcher = createOwnRegion(
      this.#arena,
      'nicshare-rx',
      this.#shape.dispatcherBytes,
      this.#hugepages,
    );
    try {
      return { dispatcher, client: createPeerRegion(this.#arena, 'nicshare-tx', this.#shape.clientBytes) };
    } catch (error) {
      destroyRegion(this.#arena, dispatcher);
      throw error;
    }
  }

  /** One piece a turn of the event loop; without memory for spares an attach finds out for itself and says so. */
  #fill(): void {
    this.#refill = undefined;
    if (this.#spare.length >= this.#limit()) return;
    try {
      this.#spare.push(this.#create());
    } catch {
      return;
    }
    this.#refill = setTimeout(() => this.#fill(), REFILL_MS).unref();
  }
}
