import { type Arena, NicshareError, openReadOnly } from '@nicshare/shm';
import { libc } from '@nicshare/shm/sys';
import { type MirrorCounters, StackMirror } from './mirror.js';
import { type Asker, NeighbourRequests, type RequestCounters } from './requests.js';

export type StackStats = { readonly interface: string } & MirrorCounters & RequestCounters;

const withoutInterface = (driver: string): NicshareError =>
  new NicshareError(
    'NotSupported',
    `A device of the driver ${driver} has no interface of the kernel, and so no neighbours and routes.`,
    'Use a device with driver: af_xdp.',
  );

const stopped = (): NicshareError =>
  new NicshareError('DispatcherStopped', 'The dispatcher has stopped.', 'Start it again, then ask again.');

interface Running {
  readonly mirror: StackMirror;
  readonly requests: NeighbourRequests;
}

/** The stack services of a dispatcher. They begin when the first client asks for them: until then they cost nothing. */
export class StackService {
  readonly #arena: Arena;
  readonly #driver: string;
  readonly #interfaceName: string | undefined;
  readonly #note: (line: string) => void;
  #running: Running | undefined;
  #starting: Promise<Running> | undefined;
  #closed = false;

  /** `interfaceName`: of the kernel's interface whose neighbours and routes are the device's; none for some drivers. */
  constructor(options: {
    arena: Arena;
    driver: string;
    interfaceName: string | undefined;
    note: (line: string) => void;
  }) {
    this.#arena = options.arena;
    this.#driver = options.driver;
    this.#interfaceName = options.interfaceName;
    this.#note = options.note;
  }

  /** Resolves once there is a snapshot to hand over. Throws NicshareError NotSupported, OutOfMemory, SystemError. */
  async start(): Promise<void> {
    await this.#start();
  }

  /** Passes a read-only descriptor of the snapshot to `send`. To be called after `start`. */
  handOver(send: (descriptors: readonly number[]) => void): void {
    if (!this.#running) throw stopped();
    const readOnly = openReadOnly(this.#running.mirror.region);
    try {
      send([readOnly]);
    } finally {
      libc.close(readOnly);
    }
  }

  /** See NeighbourRequests.resolve; throws what `start` throws too. */
  async resolve(asker: Asker, address: string): Promise<void> {
    const { requests } = await this.#start();
    await requests.resolve(asker, address);
  }

  askerGone(asker: Asker): void {
    this.#running?.requests.askerGone(asker);
  }

  /** Null until a client has asked. */
  stats(): StackStats | null {
    if (!this.#running) return null;
    const { mirror, requests } = this.#running;
    return { interface: mirror.interfaceName, ...mirror.counters(), ...requests.counters() };
  }

  close(): void {
    this.#closed = true;
    this.#running?.requests.close(stopped());
    this.#running?.mirror.close();
    this.#running = undefined;
  }

  #start(): Promise<Running> {
    if (this.#running) return Promise.resolve(this.#running);
    this.#starting ??= this.#open().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async #open(): Promise<Running> {
    if (this.#interfaceName === undefined) throw withoutInterface(this.#driver);
    const mirror = await StackMirror.start(this.#arena, this.#interfaceName, {
      neighbourChanged: (address, neighbour) => this.#running?.requests.changed(address, neighbour),
      note: this.#note,
    });
    if (this.#closed) {
      mirror.close();
      throw stopped();
    }
    this.#running = { mirror, requests: new NeighbourRequests(mirror.reader, () => mirror.index) };
    return this.#running;
  }
}
