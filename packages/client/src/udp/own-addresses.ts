import type { Resolver } from '../resolver.js';
import { ownAddresses } from './destinations.js';
import { parseIpv4 } from './ipv4-address.js';

/** The IPv4 addresses that datagrams may come to: the interface's, or the one that a socket is bound to. */
export class OwnAddresses {
  readonly #resolver: Resolver;
  readonly #bound: number | undefined;
  #addresses = new Set<number>();
  #generation = -1;

  constructor(resolver: Resolver, bound?: string) {
    this.#resolver = resolver;
    this.#bound = bound === undefined ? undefined : parseIpv4(bound);
  }

  has(address: number): boolean {
    const { generation } = this.#resolver;
    if (generation !== this.#generation) this.#refresh(generation);
    return this.#addresses.has(address) && (this.#bound === undefined || this.#bound === address);
  }

  #refresh(generation: number): void {
    this.#generation = generation;
    try {
      this.#addresses = new Set(ownAddresses(this.#resolver).map(parseIpv4));
    } catch {
      // The dispatcher has gone: for the packets that are still here, the addresses are those that it told last.
    }
  }
}
