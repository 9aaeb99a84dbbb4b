import {
  type NetlinkMessage,
  type ObservedLink,
  RTM_DELNEIGH,
  RTM_NEWNEIGH,
  readNeighbour,
} from '@nicshare/driver/netlink';
import { type Arena, type Region, stackLayout as S, StackReader } from '@nicshare/shm';
import { SnapshotImage } from './image.js';
import { writeInterface } from './interface-table.js';
import { Monitor } from './monitor.js';
import type { Neighbour } from './neighbour-table.js';
import { Neighbours } from './neighbours.js';
import { readNeighbours, readTables } from './read-tables.js';
import { writeRoutes } from './route-table.js';

/** Of the time, at most a fifth goes into reading the kernel's tables, however fast and large they change. */
const REST_FACTOR = 4;
/** Changes come in bursts: one reading for all of one. */
const GATHER_MS = 2;
const RETRY_MS = 1_000;

export interface MirrorCounters {
  /** In the snapshot now. */
  readonly neighbours: number;
  readonly routes: number;
  readonly addresses: number;
  /** Neighbours, routes and addresses that the snapshot has no room for. */
  readonly leftOut: number;
  readonly generation: number;
  /** Times that the routes were read anew after a notification. */
  readonly refreshes: number;
  /** Times that the kernel threw notifications away and all was read anew. */
  readonly overruns: number;
}

export interface MirrorEvents {
  /** The snapshot shows a change of a neighbour. */
  neighbourChanged(address: bigint, neighbour: Neighbour | undefined): void;
  /** A line for the operator. */
  note(line: string): void;
}

/**
 * The kernel's neighbours and routes as an interface sees them, followed by rtnetlink into a snapshot. Neighbours are
 * changed one by one, as notifications say. Routes are read anew after any change of routes, addresses or links: the
 * kernel takes routes away without a word where an interface goes down or an address goes.
 */
export class StackMirror {
  readonly interfaceName: string;
  readonly reader: StackReader;
  readonly #events: MirrorEvents;
  readonly #image: SnapshotImage;
  readonly #neighbours: Neighbours;
  readonly #monitor: Monitor;
  readonly #changes: [address: bigint, neighbour: Neighbour | undefined][] = [];
  #index = 0;
  #routes = 0;
  #leftOut = 0;
  #leftOutNoted = false;
  #refreshes = 0;
  #overruns = 0;
  /** What is to be read anew. */
  #stale = { routes: false, neighbours: false };
  /**
   * Nothing waits in the monitor's socket. Behind an overrun there wait notifications from before it, older than what
   * the tables say: they have to be through before the tables are read.
   */
  #drained = true;
  #reading: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  private constructor(arena: Arena, interfaceName: string, events: MirrorEvents) {
    this.interfaceName = interfaceName;
    this.#events = events;
    this.#image = new SnapshotImage(arena);
    this.reader = new StackReader(arena.memory.buffer, this.#image.region.offset);
    this.#neighbours = new Neighbours(this.#image, (address, neighbour) =>
      this.#changes.push([address, neighbour]),
    );
    try {
      this.#monitor = new Monitor({
        notified: (message) => this.#take(message),
        overrun: () => this.#readAllAnew(),
        heard: (drained) => {
          this.#drained = drained;
          this.#publish();
        },
        failed: (error) => this.#fail(error),
      });
    } catch (error) {
      this.#image.destroy();
      throw error;
    }
  }

  /** Resolves once the snapshot is whole. Rejects with SystemError, or NicshareError OutOfMemory. */
  static async start(arena: Arena, interfaceName: string, events: MirrorEvents): Promise<StackMirror> {
    const mirror = new StackMirror(arena, interfaceName, events);
    try {
      await mirror.#read(true);
      return mirror;
    } catch (error) {
      mirror.close();
      throw error;
    }
  }

  get region(): Region {
    return this.#image.region;
  }

  /** The interface's number; 0 where it is gone. */
  get index(): number {
    return this.#index;
  }

  counters(): MirrorCounters {
    return {
      neighbours: this.#neighbours.count,
      routes: this.#routes,
      addresses: this.#image.get(S.COUNT_ADDRESSES),
      leftOut: this.#leftOut + this.#neighbours.leftOut,
      generation: this.#image.generation,
      refreshes: this.#refreshes,
      overruns: this.#overruns,
    };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#monitor.close();
    this.#image.destroy();
  }

  #take({ type, body }: NetlinkMessage): void {
    if (type !== RTM_NEWNEIGH && type !== RTM_DELNEIGH) {
      this.#stale.routes = true;
      return;
    }
    const neighbour = readNeighbour(body);
    if (neighbour) this.#neighbours.take(neighbour, type === RTM_DELNEIGH, this.#index);
  }

  #readAllAnew(): void {
    this.#overruns++;
    this.#drained = false;
    this.#stale = { routes: true, neighbours: true };
  }

  /** Shows readers what has changed, then tells of it; has read anew what is stale. */
  #publish(): void {
    if (this.#closed) return;
    this.#image.publish();
    for (const [address, neighbour] of this.#changes.splice(0))
      this.#events.neighbourChanged(address, neighbour);
    this.#noteLeftOut();
    if (this.#stale.routes || this.#stale.neighbours) this.#schedule(GATHER_MS);
  }

  #schedule(delayMs: number): void {
    if (!this.#drained || this.#reading || this.#timer || this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#reading = this.#readStale().finally(() => {
        this.#reading = undefined;
      });
    }, delayMs);
    this.#timer.unref();
  }

  async #readStale(): Promise<void> {
    const stale = this.#stale;
    this.#stale = { routes: false, neighbours: false };
    const began = performance.now();
    let rest: number;
    try {
      await this.#read(stale.neighbours);
      this.#refreshes++;
      rest = (performance.now() - began) * REST_FACTOR;
    } catch (error) {
      this.#events.note(`The kernel's routes could not be read (${(error as Error).message}); once more.`);
      this.#stale = { routes: true, neighbours: true };
      rest = RETRY_MS;
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#publish();
    }, rest);
    this.#timer.unref();
  }

  /** The neighbours too where they are asked for, or are another interface's. */
  async #read(neighbours: boolean): Promise<void> {
    const tables = await readTables();
    if (this.#closed) return;
    const link = tables.links.find((candidate) => candidate.name === this.interfaceName);
    const isAnother = this.#setIndex(link);
    const { routes, leftOut } = writeRoutes(this.#image, tables, this.#index);
    this.#routes = routes;
    this.#leftOut = leftOut + writeInterface(this.#image, tables, link);
    if (neighbours || isAnother) await this.#neighbours.follow(readNeighbours, this.#index);
    this.#publish();
  }

  /** Returns whether the interface is another one than before, though of the same name. */
  #setIndex(link: ObservedLink | undefined): boolean {
    const index = link?.index ?? 0;
    const isAnother = index !== this.#index;
    this.#index = index;
    return isAnother;
  }

  #noteLeftOut(): void {
    const { leftOut } = this.counters();
    if (leftOut === 0 || this.#leftOutNoted) return;
    this.#leftOutNoted = true;
    this.#events.note(
      `The stack snapshot has no room for ${leftOut} of the kernel's neighbours, routes or addresses: it holds ` +
        `${S.MAX_NEIGHBOURS} neighbours, ${S.MAX_ROUTES} routes of a family and ${S.MAX_ADDRESSES} addresses. ` +
        'Lookups that need the others find none, or a wider route.',
    );
  }

  #fail(error: unknown): void {
    this.#events.note(
      `The stack snapshot is followed no longer: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
