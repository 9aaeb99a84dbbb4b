import { NicshareError, parseMac } from '@nicshare/shm';
import type { Port } from '../port.js';
import type { Resolver } from '../resolver.js';
import { RECEIVED, RX_BROADCAST, RX_FOREIGN_ADDRESS, RX_NO_SOCKET } from './counters.js';
import type { DatagramReader } from './datagram-reader.js';
import { Destinations, ownAddresses } from './destinations.js';
import { UdpSocketError } from './errors.js';
import { BROADCAST } from './format.js';
import type { Endpoint, UdpHost } from './host.js';
import { parseIpv4 } from './ipv4-address.js';
import { ANY_ADDRESS } from './options.js';
import { Outbox, type OutboxOwner } from './outbox.js';
import { OwnAddresses } from './own-addresses.js';

/** What a socket may set at any time. */
export interface SocketSettings {
  ttl: number;
  broadcast: boolean;
  /** Whether the socket keeps the process alive. */
  referenced: boolean;
}

/** What a bound socket is told. */
export interface BindingListener {
  /** True: nobody listens for the next datagram at the moment. */
  message(payload: Buffer, address: string, port: number): boolean;
  /** The port's session is over. */
  end(reason: NicshareError | undefined): void;
}

/** The one peer of a connected socket. */
export interface Remote {
  readonly port: number;
  readonly address: string;
}

/** A socket that has its UDP port. */
export class Binding implements Endpoint, OutboxOwner {
  readonly address: string;
  readonly localPort: number;
  readonly destinations: Destinations;
  readonly outbox: Outbox;
  readonly #host: UdpHost;
  readonly #own: OwnAddresses;
  readonly #settings: SocketSettings;
  readonly #listener: BindingListener;
  #remote: Remote | undefined;
  #remoteNumber = 0;

  /** Throws UdpSocketError EADDRINUSE, EADDRNOTAVAIL, NicshareError Detached. */
  constructor(options: {
    port: Port;
    host: UdpHost;
    resolver: Resolver;
    udpPort: number;
    address: string;
    sendQueue: number;
    settings: SocketSettings;
    listener: BindingListener;
  }) {
    const { port, host, resolver, udpPort, address, settings, listener } = options;
    requireAttached(port);
    requireOwn(resolver, address, udpPort);
    const source = address === ANY_ADDRESS ? undefined : address;
    this.address = address;
    this.destinations = new Destinations(resolver, parseMac(port.mac), port.maxPacket, source);
    this.#host = host;
    this.#own = new OwnAddresses(resolver, source);
    this.#settings = settings;
    this.#listener = listener;
    this.localPort = host.claim(udpPort, address, this);
    this.outbox = new Outbox({
      owner: this,
      burst: host.burst,
      destinations: this.destinations,
      counters: host.cells,
      limit: options.sendQueue,
    });
  }

  get ttl(): number {
    return this.#settings.ttl;
  }

  get broadcast(): boolean {
    return this.#settings.broadcast;
  }

  get isReferenced(): boolean {
    return this.#settings.referenced;
  }

  get remote(): Remote | undefined {
    return this.#remote;
  }

  set remote(remote: Remote | undefined) {
    this.#remote = remote;
    this.#remoteNumber = remote === undefined ? 0 : parseIpv4(remote.address);
  }

  accepts(datagram: DatagramReader): number {
    const remote = this.#remote;
    if (
      remote !== undefined &&
      (remote.port !== datagram.sourcePort || this.#remoteNumber !== datagram.sourceAddress)
    )
      return RX_NO_SOCKET;
    if (datagram.toGroup || datagram.destinationAddress === BROADCAST)
      return this.#settings.broadcast ? RECEIVED : RX_BROADCAST;
    return this.#own.has(datagram.destinationAddress) ? RECEIVED : RX_FOREIGN_ADDRESS;
  }

  deliver(payload: Buffer, address: string, port: number): boolean {
    return this.#listener.message(payload, address, port);
  }

  end(reason: NicshareError | undefined): void {
    this.#listener.end(reason);
  }

  /** Gives the UDP port back; what waits to be sent is called back. */
  close(): void {
    this.#host.release(this.localPort);
    this.outbox.cancel();
  }
}

function requireAttached(port: Port): void {
  if (!port.isDetached) return;
  throw new NicshareError('Detached', `The session on the queue ${port.queue} is over.`, 'Attach again.');
}

function requireOwn(resolver: Resolver, address: string, port: number): void {
  if (address === ANY_ADDRESS || ownAddresses(resolver).includes(address)) return;
  throw new UdpSocketError(
    'EADDRNOTAVAIL',
    `${address} is no address of the device's interface.`,
    `Bind to one that is, or to ${ANY_ADDRESS} for all.`,
    { syscall: 'bind', address, port },
  );
}
