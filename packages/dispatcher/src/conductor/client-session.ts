import {
  type Arena,
  createWakePair,
  emptyRegion,
  layout,
  openReadOnly,
  type PeerCredentials,
  type Region,
  type SessionShape,
} from '@nicshare/shm';
import { libc, type ReadableWatch } from '@nicshare/shm/sys';
import type { Lending, SessionPlacement } from '../dataplane/messages.js';
import { ledgerBytes } from '../dataplane/session-table.js';
import type { RegionStock, SessionRegions } from './region-stock.js';
import type { RxWindow } from './rx-window.js';

/** What a session needs to know of the queue that it serves, or of the tap that it is. */
export interface ServedQueue {
  readonly index: number;
  readonly config: { readonly name: string };
}

/** What clients' sessions have in common, and what taps' have. */
export interface SessionKind {
  readonly shape: SessionShape;
  readonly stock: RegionStock;
  /** Whether the client gets latency samples. */
  readonly sampled: boolean;
  /** In mode `shared`. */
  readonly lending: Lending | undefined;
}

/** The client's end is -1 once it was handed over. */
type WakePair = ReturnType<typeof createWakePair>;

function closeWakePair({ own, peer }: WakePair): void {
  libc.close(own);
  if (peer >= 0) libc.close(peer);
}

/** The memory and descriptors of one attachment. A region is never given to a second session. */
export class ClientSession {
  readonly id: number;
  readonly slot: number;
  readonly queue: ServedQueue;
  readonly identity: PeerCredentials;
  /** The client could undo the split of the memory by writer: it is root, or runs as our own user. */
  readonly trusted: boolean;
  readonly shape: SessionShape;
  /** What it may hold of the device's frames; undefined in mode `isolated`. */
  readonly lending: Lending | undefined;
  readonly since = Date.now();
  /** Watches for the end of the client's process. */
  deathWatch: ReadableWatch | undefined;
  /** Set once the session is being ended: resolves when its queue is free again. */
  ending: Promise<void> | undefined;
  readonly #arena: Arena;
  readonly #stock: RegionStock;
  readonly #regions: SessionRegions;
  readonly #window: RxWindow;
  readonly #ledger: number;
  readonly #wake: WakePair;

  /** Throws NicshareError OutOfMemory, and leaves nothing behind then. */
  constructor(options: {
    id: number;
    slot: number;
    queue: ServedQueue;
    identity: PeerCredentials;
    kind: SessionKind;
    arena: Arena;
    window: RxWindow;
  }) {
    const { arena, queue } = options;
    const { shape, stock, sampled, lending } = options.kind;
    this.id = options.id;
    this.slot = options.slot;
    this.queue = queue;
    this.identity = options.identity;
    this.trusted = options.identity.uid === 0 || options.identity.uid === process.getuid?.();
    this.shape = shape;
    this.lending = lending;
    this.#window = options.window;
    this.#arena = arena;
    this.#stock = stock;
    this.#regions = stock.take();
    let wake: WakePair | undefined;
    try {
      wake = createWakePair();
      this.#ledger = arena.allocate(ledgerBytes(shape, this.lending));
    } catch (error) {
      if (wake) closeWakePair(wake);
      stock.destroy(this.#regions);
      throw error;
    }
    this.#wake = wake;
    for (const region of [this.clientRegion, this.dispatcherRegion]) this.#writeHeader(region, sampled);
  }

  get dispatcherRegion(): Region {
    return this.#regions.dispatcher;
  }

  get clientRegion(): Region {
    return this.#regions.client;
  }

  /** Magic and version are written last: a region that has them is whole. */
  #writeHeader(region: Region, sampled: boolean): void {
    const view = new DataView(this.#arena.memory.buffer, region.offset, layout.ARRAYS);
    view.setUint32(layout.HEADER_RING_SIZE, this.shape.ringSize, true);
    view.setUint32(layout.HEADER_FRAME_SIZE, this.shape.frameSize, true);
    view.setUint32(layout.HEADER_RX_FRAMES, this.shape.rxFrames, true);
    view.setUint32(layout.HEADER_TX_FRAMES, this.shape.txFrames, true);
    if (region === this.dispatcherRegion) {
      view.setUint32(layout.SESSION_STATE, layout.STATE_ATTACHED, true);
      view.setUint32(layout.HEADER_SAMPLED, sampled ? 1 : 0, true);
    }
    view.setUint32(layout.HEADER_VERSION, layout.VERSION, true);
    view.setUint32(layout.HEADER_MAGIC, layout.MAGIC, true);
  }

  placement(): SessionPlacement {
    return {
      slot: this.slot,
      queue: this.queue.index,
      shape: this.shape,
      dispatcherRegion: this.dispatcherRegion.offset,
      clientRegion: this.clientRegion.offset,
      ledger: this.#ledger,
      lending: this.lending,
      wakeFd: this.#wake.own,
    };
  }

  /** RX frames that its client may hold. */
  get credit(): number {
    return this.lending?.credit ?? this.shape.rxFrames;
  }

  /** Passes the descriptors that the client gets to `send`, and closes our copies of them afterwards. */
  handOver(send: (descriptors: readonly number[]) => void): void {
    const readOnly = openReadOnly(this.dispatcherRegion);
    const device: number[] = [];
    try {
      if (this.lending) device.push(...this.#window.open());
      send([readOnly, this.clientRegion.fd, this.#wake.peer, ...device]);
    } finally {
      for (const fd of [readOnly, ...device]) libc.close(fd);
    }
    libc.close(this.#wake.peer);
    this.#wake.peer = -1;
  }

  /** Tells a client that polls its ring that the session is over. */
  markEnded(): void {
    const cells = new Int32Array(this.#arena.memory.buffer);
    Atomics.store(cells, (this.dispatcherRegion.offset + layout.SESSION_STATE) >> 2, layout.STATE_ENDED);
  }

  /**
   * Takes the memory from the client, which may keep its descriptors for ever and would so keep memory that is no
   * session's. No step of the dataplane may use the session any more.
   */
  reclaim(): void {
    emptyRegion(this.dispatcherRegion);
    emptyRegion(this.clientRegion);
  }

  /** Gives everything up. No step of the dataplane may use the session any more. */
  destroy(): void {
    this.deathWatch?.close();
    closeWakePair(this.#wake);
    this.#arena.release(this.#ledger);
    this.#stock.destroy(this.#regions);
  }
}
