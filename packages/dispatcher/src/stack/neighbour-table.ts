import { neighbourSlot, stackLayout as S } from '@nicshare/shm';
import type { SnapshotImage } from './image.js';
import { numberToWords } from './ip.js';

const MASK = S.NEIGHBOUR_SLOTS - 1;
const CELLS = S.NEIGHBOUR_BYTES / 4;

export interface Neighbour {
  /** NUD_*; not 0. */
  readonly state: number;
  /** Six bytes; undefined while it is not known. */
  readonly mac: Uint8Array | undefined;
}

/** The hash table of the snapshot, by linear probing without tombstones. */
export class NeighbourTable {
  readonly #image: SnapshotImage;
  readonly #words = new Uint32Array(4);
  #count = 0;

  constructor(image: SnapshotImage) {
    this.#image = image;
  }

  get count(): number {
    return this.#count;
  }

  has(address: bigint): boolean {
    return this.#find(address).used;
  }

  /** Adds or changes an entry; returns whether there was room. */
  put(address: bigint, { state, mac }: Neighbour): boolean {
    const { slot, used } = this.#find(address);
    if (!used && this.#count === S.MAX_NEIGHBOURS) return false;
    const at = this.#at(slot);
    const bytes = mac ?? new Uint8Array(6);
    this.#image.setWords(at + S.NEIGHBOUR_ADDRESS, this.#words);
    this.#image.set(
      at + S.NEIGHBOUR_MAC_LOW,
      bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24),
    );
    this.#image.set(at + S.NEIGHBOUR_MAC_HIGH, bytes[4]! | (bytes[5]! << 8) | (state << 16));
    if (!used) this.#setCount(this.#count + 1);
    return true;
  }

  /** Removes an entry; returns whether there was one. */
  delete(address: bigint): boolean {
    const { slot, used } = this.#find(address);
    if (!used) return false;
    this.#close(slot);
    this.#setCount(this.#count - 1);
    return true;
  }

  /** The slot of an address, or the free one where it belongs. */
  #find(address: bigint): { slot: number; used: boolean } {
    const words = numberToWords(address, this.#words);
    let slot = neighbourSlot(words);
    for (; this.#isUsed(slot); slot = (slot + 1) & MASK)
      if (this.#holds(slot, words)) return { slot, used: true };
    return { slot, used: false };
  }

  /** Moves the entries behind a gap back where their probes would end at it; empties the last place. */
  #close(gap: number): void {
    for (let slot = (gap + 1) & MASK; this.#isUsed(slot); slot = (slot + 1) & MASK) {
      const wanted = neighbourSlot(this.#addressOf(slot));
      if (((slot - wanted) & MASK) < ((slot - gap) & MASK)) continue;
      for (let i = 0; i < CELLS; i++)
        this.#image.set(this.#at(gap) + 4 * i, this.#image.get(this.#at(slot) + 4 * i));
      gap = slot;
    }
    for (let i = 0; i < CELLS; i++) this.#image.set(this.#at(gap) + 4 * i, 0);
  }

  #at(slot: number): number {
    return S.NEIGHBOURS + slot * S.NEIGHBOUR_BYTES;
  }

  #isUsed(slot: number): boolean {
    return this.#image.get(this.#at(slot) + S.NEIGHBOUR_MAC_HIGH) >>> 16 !== 0;
  }

  #addressOf(slot: number): Uint32Array {
    return Uint32Array.from({ length: 4 }, (_, i) => this.#image.get(this.#at(slot) + 4 * i));
  }

  #holds(slot: number, words: Uint32Array): boolean {
    for (let i = 0; i < 4; i++) if (this.#image.get(this.#at(slot) + 4 * i) !== words[i]) return false;
    return true;
  }

  #setCount(count: number): void {
    this.#count = count;
    this.#image.set(S.COUNT_NEIGHBOURS, count);
  }
}
