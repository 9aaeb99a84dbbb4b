import { GROUPS, type NetlinkMessage, RouteSocket } from '@nicshare/driver/netlink';
import { type ReadableWatch, watchReadable } from '@nicshare/shm/sys';

/** Room for notifications that we have not read yet: some thousands of changes. */
const RECEIVE_BYTES = 2 ** 20;
/** Datagrams that are read a turn of the event loop; clients have their turn in between. */
const DATAGRAMS_A_TURN = 64;

const ALL_GROUPS = Object.values(GROUPS).reduce((all, group) => all | group, 0);

export interface MonitorListener {
  /** A notification; its body is good until the call returns. */
  notified(message: NetlinkMessage): void;
  /** The kernel has thrown notifications away: what they said is in its tables alone. */
  overrun(): void;
  /** A burst was handed over; `drained`: nothing is left that came before. */
  heard(drained: boolean): void;
  failed(error: unknown): void;
}

/** Hears from rtnetlink of every change of links, addresses, routes and neighbours. */
export class Monitor {
  readonly #socket: RouteSocket;
  readonly #listener: MonitorListener;
  #watch: ReadableWatch;
  #closed = false;

  /** Throws SystemError. */
  constructor(listener: MonitorListener) {
    this.#listener = listener;
    this.#socket = new RouteSocket(ALL_GROUPS);
    this.#socket.setReceiveBuffer(RECEIVE_BYTES);
    this.#watch = this.#watched();
  }

  #watched(): ReadableWatch {
    const watch = watchReadable(this.#socket.fd, () => this.#read());
    // The dispatcher's sockets keep its process; this does not.
    watch.unref();
    return watch;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#watch.close();
    this.#socket.close();
  }

  #read(): void {
    try {
      this.#listener.heard(this.#handOver());
    } catch (error) {
      this.close();
      this.#listener.failed(error);
    }
  }

  /** Returns whether nothing is left. */
  #handOver(): boolean {
    for (let count = 0; count < DATAGRAMS_A_TURN; count++) {
      const messages = this.#socket.receive();
      if (messages === 'again') return true;
      if (messages === 'overrun') this.#goOn();
      else for (const message of messages) this.#listener.notified(message);
    }
    return false;
  }

  /** An overrun shows as an error of the socket, at which the event loop stops watching it. */
  #goOn(): void {
    this.#watch.close();
    this.#watch = this.#watched();
    this.#listener.overrun();
  }
}
