import { EventEmitter } from 'node:events';
import type { NicshareError } from '@nicshare/shm';
import type { Port } from '../port.js';
import { Binding, type SocketSettings } from './binding.js';
import type { UdpCounters } from './counters.js';
import {
  alreadyBound,
  isConnected,
  notConnected,
  notRunning,
  UdpSocketError,
  unreachable,
} from './errors.js';
import type { UdpAddress, UdpSocketEvents } from './events.js';
import { DEFAULT_TTL } from './format.js';
import { UdpHost } from './host.js';
import { type LaterCall, LaterCalls } from './later-calls.js';
import { withAddress } from './names.js';
import {
  DEFAULT_SEND_QUEUE,
  readBinding,
  requireOptions,
  type UdpBindOptions,
  type UdpSocketOptions,
} from './options.js';
import {
  type Message,
  readSending,
  requirePort,
  requireText,
  type SendArgument,
  type Sending,
} from './send-arguments.js';
import type { SendCallback } from './tx-burst.js';

/** Where dgram sends what names no address. */
const LOCALHOST = '127.0.0.1';

type ConnectCallback = (error?: Error) => void;

/**
 * A UDP socket on a queue, in the shape of node:dgram's Socket; made by createUdpSocket. What differs: IPv4 alone; no
 * multicast, no fragments, no loopback; no sizes of kernel buffers to set; packets come only where the queue's match
 * sends them, and what came together is emitted in one turn of the event loop.
 */
export class UdpSocket extends EventEmitter<UdpSocketEvents> {
  readonly #port: Port;
  readonly #host: UdpHost;
  readonly #options: UdpSocketOptions;
  readonly #settings: SocketSettings = { ttl: DEFAULT_TTL, broadcast: false, referenced: true };
  #state: 'unbound' | 'binding' | 'bound' | 'closed' = 'unbound';
  #binding: Binding | undefined;
  #connecting = false;
  readonly #later = new LaterCalls();
  readonly #abort = (): void => this.#close();
  /** One for all sends: filled and used within one call. */
  readonly #sending: Sending = {
    payload: [],
    length: 0,
    port: undefined,
    address: undefined,
    callback: undefined,
  };

  /** See createUdpSocket. */
  constructor(port: Port, options: UdpSocketOptions) {
    super();
    requireOptions(options);
    this.#port = port;
    this.#options = options;
    this.#host = UdpHost.of(port);
    const { signal } = options;
    if (signal?.aborted) process.nextTick(this.#abort);
    else signal?.addEventListener('abort', this.#abort);
  }

  /** What UDP has counted on this socket's Port, all its sockets together. */
  get counters(): UdpCounters {
    return this.#host.counters;
  }

  /**
   * Takes a UDP port of the queue's Port, a free ephemeral one for 0; then 'listening'. Where another socket has it,
   * 'error' EADDRINUSE; where the address is not the interface's, EADDRNOTAVAIL. Throws ERR_SOCKET_ALREADY_BOUND,
   * ERR_SOCKET_DGRAM_NOT_RUNNING, ERR_SOCKET_BAD_PORT. The queue's match decides what arrives, so bind what it names;
   * to an ephemeral port answers come only where the queue takes all UDP packets.
   */
  bind(port?: number, address?: string, callback?: () => void): this;
  bind(port?: number, callback?: () => void): this;
  bind(callback?: () => void): this;
  bind(options: UdpBindOptions, callback?: () => void): this;
  bind(
    first?: number | UdpBindOptions | (() => void),
    second?: string | (() => void),
    third?: () => void,
  ): this {
    this.#requireRunning();
    if (this.#state !== 'unbound') throw alreadyBound();
    const { port, address, callback } = readBinding(first, second, third);
    const udpPort = requirePort(port, 0);
    if (callback) this.once('listening', callback);
    this.#state = 'binding';
    void this.#bind(udpPort, address).catch((error) => {
      if (callback) this.off('listening', callback);
      process.nextTick(() => this.#bindFailed(error));
    });
    return this;
  }

  /**
   * Sends a datagram to `port` of `address`, or to whom the socket is connected; an unbound socket takes an ephemeral
   * port first. The callback comes in a later turn: with null when the datagram was handed over, else with the reason:
   * UdpSocketError EMSGSIZE, ENETUNREACH, EHOSTUNREACH, ETIMEDOUT, EACCES (a broadcast), ENOBUFS (too many wait),
   * ECANCELED (the socket was closed). Do not change the message before. Without a callback only a name that cannot be
   * looked up is told, as 'error'. Throws for wrong arguments, as dgram does.
   */
  send(message: Message | readonly Message[], port?: number, address?: string, callback?: SendCallback): void;
  send(message: Message | readonly Message[], port?: number, callback?: SendCallback): void;
  send(message: Message | readonly Message[], callback?: SendCallback): void;
  send(
    message: Message,
    offset: number,
    length: number,
    port?: number,
    address?: string,
    callback?: SendCallback,
  ): void;
  send(message: Message, offset: number, length: number, port?: number, callback?: SendCallback): void;
  send(message: Message, offset: number, length: number, callback?: SendCallback): void;
  send(
    message: Message | readonly Message[],
    a?: SendArgument,
    b?: SendArgument,
    c?: SendArgument,
    d?: SendArgument,
    e?: SendArgument,
  ): void {
    const sending = this.#sending;
    readSending(sending, this.#binding?.remote !== undefined, message, a, b, c, d, e);
    this.#requireRunning();
    if (this.#state === 'bound' && !this.#later.pending) this.#send(this.#binding!, sending);
    else this.#sendLater({ ...sending });
  }

  /** The bound address and port. Throws ERR_SOCKET_DGRAM_NOT_RUNNING, EBADF where the socket is not bound. */
  address(): UdpAddress {
    this.#requireRunning();
    if (this.#binding)
      return { address: this.#binding.address, family: 'IPv4', port: this.#binding.localPort };
    const what = 'The socket is not bound.';
    throw new UdpSocketError('EBADF', what, 'Wait for its "listening".', { syscall: 'getsockname' });
  }

  /**
   * Names the one peer to send to and to receive from; then 'connect'. Where there is no route, the callback or else
   * 'error' gets ENETUNREACH. Throws ERR_SOCKET_DGRAM_IS_CONNECTED, ERR_SOCKET_BAD_PORT.
   */
  connect(port: number, address?: string, callback?: ConnectCallback): void;
  connect(port: number, callback: ConnectCallback): void;
  connect(port: number, second?: string | ConnectCallback, third?: ConnectCallback): void {
    const callback = typeof second === 'function' ? second : third;
    const name = typeof second === 'function' || second === undefined ? LOCALHOST : second;
    const udpPort = requirePort(port, 1);
    requireText('address', name);
    this.#requireRunning();
    if (this.#binding?.remote || this.#connecting) throw isConnected();
    this.#connecting = true;
    this.#whenBound((error) => {
      if (error) return this.#connectFailed(error, callback);
      withAddress(name || LOCALHOST, this.#options.lookup, (failure, address) => {
        if (failure) this.#connectFailed(failure, callback);
        else this.#connect(udpPort, address, callback);
      });
    });
  }

  /** Throws ERR_SOCKET_DGRAM_NOT_CONNECTED. */
  disconnect(): void {
    if (!this.#binding?.remote) throw notConnected();
    this.#binding.remote = undefined;
  }

  /** To whom the socket is connected. Throws ERR_SOCKET_DGRAM_NOT_CONNECTED. */
  remoteAddress(): UdpAddress {
    this.#requireRunning();
    if (!this.#binding?.remote) throw notConnected();
    const { address, port } = this.#binding.remote;
    return { address, family: 'IPv4', port };
  }

  /**
   * Gives the UDP port back; then 'close'. What waits to be sent is called back with ECANCELED. Throws
   * ERR_SOCKET_DGRAM_NOT_RUNNING where it is closed already.
   */
  close(callback?: () => void): this {
    this.#requireRunning();
    if (callback) this.once('close', callback);
    // What was sent before the socket was bound is sent first, as dgram does.
    if (this.#later.pending) this.#later.add(() => this.#close());
    else this.#close();
    return this;
  }

  /** Closes the socket where it is not closed, and resolves with its 'close'. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state !== 'closed') await new Promise<void>((resolve) => this.close(resolve));
  }

  /** Whether the socket may send broadcasts, and receives them. */
  setBroadcast(flag: boolean): void {
    this.#requireRunning();
    this.#settings.broadcast = Boolean(flag);
  }

  /** Hops that a datagram may make, 1 to 255; 64 where it is not set. Throws EINVAL. */
  setTTL(ttl: number): number {
    this.#requireRunning();
    if (!Number.isInteger(ttl) || ttl < 1 || ttl > 255)
      throw new UdpSocketError('EINVAL', `A TTL of ${ttl}.`, 'Give it 1 to 255.', { syscall: 'setTTL' });
    this.#settings.ttl = ttl;
    return ttl;
  }

  /** Takes unref back. */
  ref(): this {
    return this.#refer(true);
  }

  /**
   * Lets the process end though the socket is open. Its Port does so when all its sockets do, and its client's
   * connection when all ports do.
   */
  unref(): this {
    return this.#refer(false);
  }

  /** Bytes of the datagrams that wait to be sent. */
  getSendQueueSize(): number {
    return this.#binding?.outbox.bytes ?? 0;
  }

  /** Datagrams that wait to be sent: for their neighbour, or for free TX frames. */
  getSendQueueCount(): number {
    return this.#binding?.outbox.count ?? 0;
  }

  #refer(referenced: boolean): this {
    this.#settings.referenced = referenced;
    this.#host.refer();
    return this;
  }

  async #bind(udpPort: number, name: string): Promise<void> {
    const resolver = this.#options.resolver ?? (await this.#port.resolver());
    const address = await new Promise<string>((resolve, reject) => {
      withAddress(name, this.#options.lookup, (error, found) => (error ? reject(error) : resolve(found)));
    });
    if (this.#state === 'closed') return;
    this.#binding = new Binding({
      port: this.#port,
      host: this.#host,
      resolver,
      udpPort,
      address,
      sendQueue: this.#options.sendQueue ?? DEFAULT_SEND_QUEUE,
      settings: this.#settings,
      listener: {
        message: (payload, from, port) => this.#deliver(payload, from, port),
        end: (reason) => this.#end(reason),
      },
    });
    this.#state = 'bound';
    process.nextTick(() => this.#listening());
  }

  #listening(): void {
    if (this.#state !== 'bound') return;
    this.emit('listening');
    this.#later.run();
  }

  #bindFailed(error: Error): void {
    if (this.#state === 'closed') return;
    this.#state = 'unbound';
    this.#later.run(error);
    this.emit('error', error);
  }

  /** Calls at once where the socket is bound; binds it where nobody has. */
  #whenBound(call: LaterCall): void {
    if (this.#state === 'unbound') this.bind();
    if (this.#state === 'bound' && !this.#later.pending) call();
    else this.#later.add(call);
  }

  #sendLater(sending: Sending): void {
    this.#whenBound((error) => {
      if (error === undefined && this.#binding) this.#send(this.#binding, sending);
      else sending.callback?.(error ?? notRunning(), 0);
    });
  }

  #send({ outbox, remote, destinations }: Binding, sending: Sending): void {
    const { payload, length, callback } = sending;
    const port = remote === undefined ? sending.port! : remote.port;
    const name = remote === undefined ? sending.address || LOCALHOST : remote.address;
    if (destinations.has(name)) return outbox.send(payload, length, port, name, callback);
    withAddress(name, this.#options.lookup, (error, address) => {
      if (this.#state === 'closed') callback?.(notRunning(), 0);
      else if (error === null) outbox.send(payload, length, port, address, callback);
      else if (callback) process.nextTick(callback, error, 0);
      else process.nextTick(() => this.emit('error', error));
    });
  }

  #connect(port: number, address: string, callback: ConnectCallback | undefined): void {
    const binding = this.#binding;
    if (binding === undefined) return this.#connectFailed(notRunning(), callback);
    try {
      binding.destinations.find(address);
    } catch (reason) {
      return this.#connectFailed(unreachable(reason, 'connect', address, port), callback);
    }
    this.#connecting = false;
    binding.remote = { port, address };
    if (callback) this.once('connect', callback);
    process.nextTick(() => this.emit('connect'));
  }

  #connectFailed(error: Error, callback: ConnectCallback | undefined): void {
    this.#connecting = false;
    process.nextTick(() => (callback ? callback(error) : this.emit('error', error)));
  }

  #deliver(message: Buffer, address: string, port: number): boolean {
    try {
      const heard = this.emit('message', message, { address, family: 'IPv4', port, size: message.length });
      return heard && this.listenerCount('message') === 0;
    } catch (error) {
      // Uncaught, as it would be with dgram; the packets behind this one are delivered all the same.
      process.nextTick(() => {
        throw error;
      });
      return false;
    }
  }

  #end(reason: NicshareError | undefined): void {
    if (this.#state === 'closed') return;
    if (reason) process.nextTick(() => this.emit('error', reason));
    this.#close();
  }

  #close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#options.signal?.removeEventListener('abort', this.#abort);
    this.#binding?.close();
    this.#binding = undefined;
    this.#later.run(notRunning());
    process.nextTick(() => this.emit('close'));
  }

  #requireRunning(): void {
    if (this.#state === 'closed') throw notRunning();
  }
}
