import { AF_INET, AF_INET6, NTF_PROXY, type ObservedNeighbour } from '@nicshare/driver/netlink';
import { stackLayout as S } from '@nicshare/shm';
import type { SnapshotImage } from './image.js';
import { toNumber } from './ip.js';
import { type Neighbour, NeighbourTable } from './neighbour-table.js';

const MAC_BYTES = 6;

/** An entry that packets can be sent by has an Ethernet address. */
function toNeighbour({ state, mac }: ObservedNeighbour): Neighbour | undefined {
  const valid = (state & S.NUD_VALID) !== 0;
  if (state === 0 || (valid && mac?.length !== MAC_BYTES)) return undefined;
  return { state, mac: mac?.length === MAC_BYTES ? mac : undefined };
}

/** The neighbours of one interface: the kernel's, and those of them that the snapshot has room for. */
export class Neighbours {
  readonly #table: NeighbourTable;
  readonly #known = new Map<bigint, Neighbour>();
  /** Told of by the kernel since the dump at hand began: newer than what the dump says. */
  #told: Set<bigint> | undefined;
  readonly #changed: (address: bigint, neighbour: Neighbour | undefined) => void;

  /** `changed` is called after each change, before it is published. */
  constructor(image: SnapshotImage, changed: (address: bigint, neighbour: Neighbour | undefined) => void) {
    this.#table = new NeighbourTable(image);
    this.#changed = changed;
  }

  /** In the snapshot. */
  get count(): number {
    return this.#table.count;
  }

  /** Beyond the snapshot's limit. */
  get leftOut(): number {
    return this.#known.size - this.#table.count;
  }

  /** Takes a notification of the interface `index`; others are passed over. */
  take(observed: ObservedNeighbour, deleted: boolean, index: number): void {
    if (!isOf(observed, index)) return;
    const address = toNumber(observed.address, false);
    this.#told?.add(address);
    this.#set(address, deleted ? undefined : toNeighbour(observed));
  }

  /** Makes the table what a dump says; notifications that come while it is read are newer. */
  async follow(dump: () => Promise<readonly ObservedNeighbour[]>, index: number): Promise<void> {
    const told = new Set<bigint>();
    this.#told = told;
    try {
      const gone = new Set(this.#known.keys());
      const observed = await dump();
      for (const one of observed) {
        if (!isOf(one, index)) continue;
        const address = toNumber(one.address, false);
        gone.delete(address);
        if (!told.has(address)) this.#set(address, toNeighbour(one));
      }
      for (const address of gone) if (!told.has(address)) this.#set(address, undefined);
    } finally {
      this.#told = undefined;
    }
  }

  #set(address: bigint, neighbour: Neighbour | undefined): void {
    if (neighbour) {
      this.#known.set(address, neighbour);
      this.#table.put(address, neighbour);
    } else if (this.#known.delete(address) && this.#table.delete(address)) this.#fill();
    this.#changed(address, neighbour);
  }

  /** Gives a place that has become free to one that found none. */
  #fill(): void {
    if (this.leftOut === 0) return;
    for (const [address, neighbour] of this.#known)
      if (!this.#table.has(address)) {
        this.#table.put(address, neighbour);
        return;
      }
  }
}

/** Multicast addresses need no neighbour, though the kernel keeps entries for them. */
const isGroup = (address: Buffer): boolean =>
  address.length === 4 ? address[0]! >>> 4 === 0xe : address[0] === 0xff;

const isOf = ({ family, interfaceIndex, flags, address }: ObservedNeighbour, index: number): boolean =>
  (family === AF_INET || family === AF_INET6) &&
  interfaceIndex === index &&
  (flags & NTF_PROXY) === 0 &&
  !isGroup(address);
