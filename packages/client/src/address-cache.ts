import { type AddressWords, neighbourSlot, stackLayout } from '@nicshare/shm';

/**
 * Values by IP address: one place an address, which a newer value takes from an older one. Neither finding nor keeping
 * allocates anything, and it never grows.
 */
export class AddressCache<T> {
  readonly #keys = new Uint32Array(stackLayout.NEIGHBOUR_SLOTS * 4);
  readonly #values = new Array<T | undefined>(stackLayout.NEIGHBOUR_SLOTS).fill(undefined);

  get(address: AddressWords): T | undefined {
    const slot = neighbourSlot(address);
    const keys = this.#keys;
    const at = slot * 4;
    if (
      keys[at + 3] !== address[3] ||
      keys[at + 2] !== address[2] ||
      keys[at + 1] !== address[1] ||
      keys[at] !== address[0]
    )
      return undefined;
    return this.#values[slot];
  }

  set(address: AddressWords, value: T): void {
    const slot = neighbourSlot(address);
    this.#keys.set(address, slot * 4);
    this.#values[slot] = value;
  }
}
