import { type AddressWords, type Found, formatAddress } from '@nicshare/shm';
import { AddressCache } from './address-cache.js';
import type { NextHop } from './resolver.js';

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** What a neighbour looks like in words. */
interface Neighbour {
  readonly macLow: number;
  readonly macHigh: number;
  readonly address: string;
  readonly mac: string;
  readonly macBytes: Uint8Array;
}

function describe({ nextHop, macLow, macHigh }: Found): Neighbour {
  const bytes = [
    macLow & 255,
    (macLow >>> 8) & 255,
    (macLow >>> 16) & 255,
    macLow >>> 24,
    macHigh & 255,
    macHigh >>> 8,
  ];
  const mac = bytes.map((byte) => HEX[byte]).join(':');
  return { macLow, macHigh, address: formatAddress(nextHop), mac, macBytes: Uint8Array.from(bytes) };
}

/** Next hops as applications see them. Texts are made once a neighbour, not once a lookup. */
export class HopTexts {
  readonly #neighbours = new AddressCache<Neighbour>();
  readonly #sources = new AddressCache<string>();

  hop(found: Found): NextHop {
    const { address, mac, macBytes } = this.#neighbour(found);
    return { address, mac, macBytes, source: this.#source(found.source), mtu: found.mtu };
  }

  #neighbour(found: Found): Neighbour {
    const known = this.#neighbours.get(found.nextHop);
    if (known && known.macLow === found.macLow && known.macHigh === found.macHigh) return known;
    const neighbour = describe(found);
    this.#neighbours.set(found.nextHop, neighbour);
    return neighbour;
  }

  #source(address: AddressWords): string {
    const known = this.#sources.get(address);
    if (known !== undefined) return known;
    const text = formatAddress(address);
    this.#sources.set(address, text);
    return text;
  }
}
