import { NicshareError } from '@nicshare/shm';
import type { NextHop, Resolver } from '../resolver.js';
import { type HeaderTemplate, headerTemplate } from './datagram-writer.js';
import { HEADERS, PAYLOAD_AT } from './format.js';
import { parseIpv4 } from './ipv4-address.js';

/** Addresses that are kept at most; the one that was added first goes. */
const KEPT = 4096;
/** 224.0.0.0/4: the first byte's high four bits (RFC 5771). */
const MULTICAST = 0xe;

/** A way to an address, good for one generation of the resolver's snapshot. */
export interface Destination {
  readonly template: HeaderTemplate;
  /** Longest payload that fits into one packet. */
  readonly maxPayload: number;
  readonly broadcast: boolean;
  readonly generation: number;
}

function requireNoMulticast(address: string): void {
  if ((parseIpv4(address) & 0xff) >>> 4 === MULTICAST)
    throw new NicshareError('NotSupported', `${address} is a multicast group.`, 'Send to one host.');
}

const isGroup = (mac: Uint8Array): boolean => (mac[0]! & 1) === 1;

/** The ways that were found, by address: answering somebody asks nobody, while the snapshot stays the same. */
export class Destinations {
  readonly #resolver: Resolver;
  readonly #fromMac: Uint8Array;
  /** Longest frame that the port sends. */
  readonly #maxFrame: number;
  /** Of a socket that is bound to one address. */
  readonly #source: string | undefined;
  readonly #known = new Map<string, Destination>();

  constructor(resolver: Resolver, fromMac: Uint8Array, maxFrame: number, source?: string) {
    this.#resolver = resolver;
    this.#fromMac = fromMac;
    this.#maxFrame = maxFrame;
    this.#source = source;
  }

  /** Whether the address was sent to lately: then it is one, and no name. */
  has(address: string): boolean {
    return this.#known.has(address);
  }

  /** The way to an IPv4 address; undefined where its neighbour has to be asked for. Throws the resolver's NicshareError. */
  find(address: string): Destination | undefined {
    const known = this.#known.get(address);
    if (known !== undefined && known.generation === this.#resolver.generation) return known;
    const { generation } = this.#resolver;
    requireNoMulticast(address);
    const hop = this.#resolver.lookup(address);
    return hop && this.#keep(address, hop, generation);
  }

  /** The way to an IPv4 address, its neighbour asked for where need be. Rejects with the resolver's NicshareError. */
  async ask(address: string): Promise<Destination> {
    const hop = await this.#resolver.resolve(address);
    return this.#keep(address, hop, this.#resolver.generation);
  }

  #keep(address: string, { macBytes, source, mtu }: NextHop, generation: number): Destination {
    const way = { fromMac: this.#fromMac, toMac: macBytes, source: this.#source ?? source };
    const destination = {
      template: headerTemplate({ ...way, destination: address }),
      maxPayload: Math.min(mtu - HEADERS, this.#maxFrame - PAYLOAD_AT),
      broadcast: isGroup(macBytes),
      generation,
    };
    this.#known.delete(address);
    if (this.#known.size >= KEPT) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(address, destination);
    return destination;
  }
}

/** The resolver's IPv4 addresses. */
export const ownAddresses = (resolver: Resolver): string[] =>
  resolver.addresses().filter((address) => !address.includes(':'));
