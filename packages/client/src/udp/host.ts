import { setImmediate as nextTurn } from 'node:timers/promises';
import type { NicshareError } from '@nicshare/shm';
import type { Batch } from '../batch.js';
import type { Port } from '../port.js';
import { createCounters, RECEIVED, RX_NO_SOCKET, readCounters, type UdpCounters } from './counters.js';
import { DatagramReader } from './datagram-reader.js';
import { UdpSocketError } from './errors.js';
import { AddressTexts } from './ipv4-address.js';
import { PayloadPool } from './payload-pool.js';
import { TxBurst } from './tx-burst.js';

const BURST = 64;
/** Bursts after which the event loop has its turn though packets wait. */
const BURSTS_A_TURN = 4;
/** What ephemeral ports are (RFC 6335, 6). */
const EPHEMERAL = { first: 49_152, count: 16_384 };

/** A socket as its host sees it. */
export interface Endpoint {
  /** RECEIVED, or the counter that says why the datagram is not for it. */
  accepts(datagram: DatagramReader): number;
  /** Takes a datagram; true: nobody listens for the next one at the moment. */
  deliver(payload: Buffer, address: string, port: number): boolean;
  /** Whether it keeps the process alive. */
  readonly isReferenced: boolean;
  /** The port's session is over. */
  end(reason: NicshareError | undefined): void;
}

const hosts = new WeakMap<Port, UdpHost>();

/** All UDP sockets of one port: takes its packets and gives each to the socket whose UDP port it goes to. */
export class UdpHost {
  readonly #port: Port;
  readonly #sockets = new Map<number, Endpoint>();
  readonly #cells = createCounters();
  readonly #batch: Batch;
  readonly #reader: DatagramReader;
  readonly #pool: PayloadPool;
  readonly #texts = new AddressTexts();
  readonly burst: TxBurst;
  #receiving = false;

  /** The one of a port; made where there is none yet. */
  static of(port: Port): UdpHost {
    let host = hosts.get(port);
    if (host === undefined) {
      host = new UdpHost(port);
      hosts.set(port, host);
    }
    return host;
  }

  private constructor(port: Port) {
    this.#port = port;
    this.#batch = port.createBatch(BURST);
    this.#reader = new DatagramReader(this.#batch.bytes);
    this.#pool = new PayloadPool(this.#batch.bytes, this.#reader.memory.words);
    this.burst = new TxBurst(port, this.#cells);
  }

  get cells(): Float64Array {
    return this.#cells;
  }

  get counters(): UdpCounters {
    return readCounters(this.#cells);
  }

  /** Gives a socket its UDP port, a free ephemeral one for 0. Throws UdpSocketError EADDRINUSE. */
  claim(udpPort: number, address: string, socket: Endpoint): number {
    const chosen = udpPort === 0 ? this.#ephemeral() : udpPort;
    if (chosen === undefined || this.#sockets.has(chosen))
      throw new UdpSocketError(
        'EADDRINUSE',
        `Another socket of the queue ${this.#port.queue} has the port ${udpPort}.`,
        'Close it, or take another port.',
        { syscall: 'bind', address, port: udpPort },
      );
    this.#sockets.set(chosen, socket);
    this.refer();
    if (!this.#receiving) void this.#receive();
    return chosen;
  }

  release(udpPort: number): void {
    this.#sockets.delete(udpPort);
    this.refer();
  }

  /** Lets the port hold the process while one of its sockets does, or there is none. */
  refer(): void {
    const sockets = [...this.#sockets.values()];
    if (sockets.length === 0 || sockets.some(({ isReferenced }) => isReferenced)) this.#port.ref();
    else this.#port.unref();
  }

  #ephemeral(): number | undefined {
    const start = Math.floor(Math.random() * EPHEMERAL.count);
    for (let i = 0; i < EPHEMERAL.count; i++) {
      const candidate = EPHEMERAL.first + ((start + i) % EPHEMERAL.count);
      if (!this.#sockets.has(candidate)) return candidate;
    }
    return undefined;
  }

  /** Takes packets while there are sockets. */
  async #receive(): Promise<void> {
    this.#receiving = true;
    const port = this.#port;
    let bursts = 0;
    while (await port.readable()) {
      if (this.#sockets.size === 0) break;
      if (port.rxBurst(this.#batch) === 0) continue;
      await this.#deliverBurst();
      if (++bursts % BURSTS_A_TURN === 0) await nextTurn();
    }
    this.#receiving = false;
    if (port.isDetached) this.#end();
  }

  /** Delivers a burst and submits the answers to it. */
  async #deliverBurst(): Promise<void> {
    const { count } = this.#batch;
    let next = this.#deliver(0);
    while (next < count) {
      await nextTurn();
      next = this.#deliver(next);
    }
    this.#port.release(this.#batch);
  }

  /** Delivers packets from index `from` on; stops behind one after which its socket has no listener. */
  #deliver(from: number): number {
    const { offset, length, count } = this.#batch;
    const reader = this.#reader;
    const cells = this.#cells;
    this.burst.held = true;
    let next = from;
    let paused = false;
    while (next < count && !paused) {
      const verdict = reader.read(offset[next]!, length[next]!);
      const socket = verdict === RECEIVED ? this.#sockets.get(reader.destinationPort) : undefined;
      const outcome =
        verdict !== RECEIVED ? verdict : socket === undefined ? RX_NO_SOCKET : socket.accepts(reader);
      cells[outcome] = cells[outcome]! + 1;
      next++;
      if (outcome !== RECEIVED) continue;
      const payload = this.#pool.copy(reader.payload, reader.payloadLength);
      paused = socket!.deliver(payload, this.#texts.of(reader.sourceAddress), reader.sourcePort);
    }
    this.burst.held = false;
    this.burst.flush();
    return next;
  }

  #end(): void {
    for (const socket of [...this.#sockets.values()]) socket.end(this.#port.detachedReason);
  }
}
