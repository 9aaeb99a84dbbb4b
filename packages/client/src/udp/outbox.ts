import { TX_BROADCAST_REFUSED, TX_CANCELED, TX_QUEUE_FULL, TX_TOO_LONG, TX_UNREACHABLE } from './counters.js';
import type { Destination, Destinations } from './destinations.js';
import { broadcastRefused, canceled, queueFull, tooLong, unreachable } from './errors.js';
import type { Blocked, Payload, SendCallback, TxBurst } from './tx-burst.js';

/** Whose datagrams an outbox sends. */
export interface OutboxOwner {
  readonly localPort: number;
  readonly ttl: number;
  readonly broadcast: boolean;
}

/** A datagram that cannot be sent yet. */
interface Waiting {
  readonly payload: Payload;
  readonly length: number;
  readonly port: number;
  readonly address: string;
  readonly callback: SendCallback | undefined;
}

/** Sends one socket's datagrams: those whose neighbour is not known yet, or that find no TX frame, wait in order. */
export class Outbox implements Blocked {
  readonly #owner: OutboxOwner;
  readonly #burst: TxBurst;
  readonly #destinations: Destinations;
  readonly #counters: Float64Array;
  readonly #limit: number;
  /** By address, while its neighbour is asked for. */
  readonly #asking = new Map<string, Waiting[]>();
  /** For TX frames. */
  #blocked: Waiting[] = [];
  /** Datagrams that wait. */
  count = 0;
  /** Bytes of their payloads. */
  bytes = 0;

  constructor(options: {
    owner: OutboxOwner;
    burst: TxBurst;
    destinations: Destinations;
    counters: Float64Array;
    /** Datagrams that may wait. */
    limit: number;
  }) {
    this.#owner = options.owner;
    this.#burst = options.burst;
    this.#destinations = options.destinations;
    this.#counters = options.counters;
    this.#limit = options.limit;
  }

  /** Sends, or queues, or calls back with the reason why not; the callback comes in a later turn in any case. */
  send(
    payload: Payload,
    length: number,
    port: number,
    address: string,
    callback: SendCallback | undefined,
  ): void {
    const asking = this.#asking.size > 0 ? this.#asking.get(address) : undefined;
    if (asking === undefined && this.#blocked.length === 0) {
      const destination = this.#find(address, port, length, callback);
      if (destination === null || (destination && this.#write(payload, length, port, destination, callback)))
        return;
      const waiting = { payload, length, port, address, callback };
      if (!this.#admit(waiting)) return;
      if (destination) this.#block(waiting);
      else this.#ask(waiting);
      return;
    }
    const waiting = { payload, length, port, address, callback };
    if (this.#admit(waiting)) (asking ?? this.#blocked).push(waiting);
  }

  resume(possible: boolean): void {
    if (!possible) return;
    this.#sendAll(this.#blocked.splice(0));
  }

  /** Calls all back that wait. */
  cancel(): void {
    const all = [...this.#asking.values(), this.#blocked].flat();
    this.#asking.clear();
    this.#blocked = [];
    for (const waiting of all) {
      this.#leave(waiting);
      const { callback, port, address } = waiting;
      this.#refuse(TX_CANCELED, callback, () => canceled(address, port));
    }
  }

  /** The way; undefined where the neighbour is to be asked for; null where the datagram was refused. */
  #find(
    address: string,
    port: number,
    length: number,
    callback: SendCallback | undefined,
  ): Destination | undefined | null {
    try {
      const destination = this.#destinations.find(address);
      if (destination === undefined || this.#allows(destination, address, port, length, callback))
        return destination;
    } catch (reason) {
      this.#refuse(TX_UNREACHABLE, callback, () => unreachable(reason, 'send', address, port));
    }
    return null;
  }

  #allows(
    { maxPayload, broadcast }: Destination,
    address: string,
    port: number,
    length: number,
    callback: SendCallback | undefined,
  ): boolean {
    if (length > maxPayload) {
      this.#refuse(TX_TOO_LONG, callback, () => tooLong(length, maxPayload, address, port));
      return false;
    }
    if (broadcast && !this.#owner.broadcast) {
      this.#refuse(TX_BROADCAST_REFUSED, callback, () => broadcastRefused(address, port));
      return false;
    }
    return true;
  }

  #write(
    payload: Payload,
    length: number,
    port: number,
    { template }: Destination,
    callback: SendCallback | undefined,
  ): boolean {
    const { localPort, ttl } = this.#owner;
    if (!this.#burst.write(payload, length, template, localPort, port, ttl)) return false;
    if (callback !== undefined) this.#burst.whenSubmitted(callback, length);
    return true;
  }

  #block(waiting: Waiting): void {
    this.#blocked.push(waiting);
    this.#burst.await(this);
  }

  #ask(waiting: Waiting): void {
    const { address } = waiting;
    const asking = [waiting];
    this.#asking.set(address, asking);
    const settle = (then: () => void): void => {
      // The socket may have been closed meanwhile.
      if (this.#asking.get(address) !== asking) return;
      this.#asking.delete(address);
      then();
    };
    this.#destinations.ask(address).then(
      () => settle(() => this.#sendAll(asking)),
      (reason) => settle(() => this.#giveUp(asking, reason)),
    );
  }

  /** Sends what waited; what cannot go yet waits again, in its order. */
  #sendAll(all: readonly Waiting[]): void {
    for (const waiting of all) {
      this.#leave(waiting);
      const { payload, length, port, address, callback } = waiting;
      this.send(payload, length, port, address, callback);
    }
  }

  #giveUp(all: readonly Waiting[], reason: unknown): void {
    for (const waiting of all) {
      this.#leave(waiting);
      const { address, port, callback } = waiting;
      this.#refuse(TX_UNREACHABLE, callback, () => unreachable(reason, 'send', address, port));
    }
  }

  #admit(waiting: Waiting): boolean {
    if (this.count >= this.#limit) {
      const { address, port, callback } = waiting;
      this.#refuse(TX_QUEUE_FULL, callback, () => queueFull(this.count, address, port));
      return false;
    }
    this.count++;
    this.bytes += waiting.length;
    return true;
  }

  #leave(waiting: Waiting): void {
    this.count--;
    this.bytes -= waiting.length;
  }

  /** Counts, and calls back with the reason, which is made only where somebody asks for it. */
  #refuse(counter: number, callback: SendCallback | undefined, reason: () => Error): void {
    this.#counters[counter] = this.#counters[counter]! + 1;
    // Without a callback dgram is silent, too: errors of a datagram are no errors of the socket.
    if (callback !== undefined) process.nextTick(callback, reason(), 0);
  }
}
