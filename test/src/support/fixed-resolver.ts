import type { NextHop, Resolver } from '@nicshare/client';
import { NicshareError, parseMac } from '@nicshare/shm';

/** A resolver that knows what the test tells it. */
export class FixedResolver implements Resolver {
  generation = 1;
  /** Addresses that were resolved, in order. */
  readonly asked: string[] = [];
  mtu = 1500;
  readonly #source: string;
  readonly #neighbours = new Map<string, string>();
  readonly #waiting = new Map<string, { resolve(hop: NextHop): void; reject(error: Error): void }>();

  constructor(source: string, neighbours: Record<string, string> = {}) {
    this.#source = source;
    for (const [address, mac] of Object.entries(neighbours)) this.#neighbours.set(address, mac);
  }

  /** Makes a neighbour known, and settles who asks for it. */
  learn(address: string, mac: string): void {
    this.#neighbours.set(address, mac);
    this.generation++;
    this.#waiting.get(address)?.resolve(this.#hop(address, mac));
  }

  /** A neighbour does not answer. */
  fail(address: string): void {
    const error = new NicshareError('NeighbourFailed', `${address} does not answer.`, 'Is it up?');
    this.#waiting.get(address)?.reject(error);
  }

  lookup(address: string): NextHop | undefined {
    if (address === '255.255.255.255') return this.#hop(address, 'ff:ff:ff:ff:ff:ff');
    if (!address.startsWith('10.78.0.'))
      throw new NicshareError('NoRoute', `There is no route to ${address}.`, 'Add one.');
    const mac = this.#neighbours.get(address);
    return mac === undefined ? undefined : this.#hop(address, mac);
  }

  async resolve(address: string): Promise<NextHop> {
    this.asked.push(address);
    return (
      this.lookup(address) ??
      new Promise((resolve, reject) => {
        this.#waiting.set(address, { resolve, reject });
      })
    );
  }

  addresses(): string[] {
    return [this.#source, 'fe80::1'];
  }

  #hop(address: string, mac: string): NextHop {
    return { address, mac, macBytes: parseMac(mac), source: this.#source, mtu: this.mtu };
  }
}
