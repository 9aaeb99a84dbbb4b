import type { Arena, Region } from '@nicshare/shm';
import type { DeviceContext, RingStats } from '../device.js';
import type { PciCard } from '../pci/card.js';
import { VIRTQUEUE_BYTES } from './queue-memory.js';
import { QueueState, recordBytes } from './queue-state.js';
import * as T from './queue-table.js';
import type { Transport } from './transport.js';
import { queueSize, setUpQueue } from './virtqueue.js';

const PAGE = 1 << T.PAGE_SHIFT;
/** Buffers that the card is told of at once: so many, or a quarter of a small queue. */
const RX_BATCH = 16;

const align = (value: number, to: number): number => Math.ceil(value / to) * to;

export interface RingPlace {
  readonly ring: number;
  /** How many the device has. */
  readonly rings: number;
  /** Of the RX queue's interrupt; undefined: it has none of its own. */
  readonly vector: number | undefined;
}

/** One RX and one TX queue with their frames, in a region that the card reaches. */
export class QueuePair {
  readonly region: Region;
  readonly #arena: Arena;
  /** What the card must not reach: which frame is where. */
  readonly #records: number;
  readonly #rx: QueueState;
  readonly #tx: QueueState;

  constructor(place: RingPlace, card: PciCard, transport: Transport, context: DeviceContext) {
    const { ring, rings, vector } = place;
    const { arena, frameSize, ringSize, spareFrames = 0 } = context;
    const rx = { number: 2 * ring, size: queueSize(transport, 2 * ring, ringSize) };
    const tx = { number: 2 * ring + 1, size: queueSize(transport, 2 * ring + 1, ringSize) };
    const rxFrames = 2 * rx.size + spareFrames;
    const frameBytes = align((rxFrames + tx.size) * frameSize, VIRTQUEUE_BYTES);
    this.#arena = arena;
    this.region = card.allocate(`nicshare-ring-${ring}`, frameBytes + 2 * VIRTQUEUE_BYTES);
    const rxAt = this.region.offset + frameBytes;
    const txAt = rxAt + VIRTQUEUE_BYTES;
    const addressBytes = Math.ceil(this.region.bytes / PAGE) * 8;
    const queueRecords = recordBytes(rx.size) + recordBytes(tx.size);
    this.#records = arena.allocate(addressBytes + queueRecords + rxFrames * 4);
    const rxRecords = this.#records + addressBytes;
    const memory = { arena, region: this.region, pages: this.#records, frameSize };
    this.#writeAddresses(card, addressBytes / 8);
    this.#rx = new QueueState(
      setUpQueue(transport, { ...rx, iova: card.iova(rxAt), vector }),
      rxAt,
      rxRecords,
      memory,
    );
    this.#tx = new QueueState(
      setUpQueue(transport, { ...tx, iova: card.iova(txAt) }),
      txAt,
      rxRecords + recordBytes(rx.size),
      memory,
    );
    this.#stackFrames(rxRecords + queueRecords, rxFrames, frameSize);
    this.#tx.set(T.TX_FRAMES, this.region.offset + rxFrames * frameSize);
    this.#rx.set(T.RX_BATCH, Math.min(RX_BATCH, rx.size / 4));
    this.#rx.set(T.RX_RINGS, rings);
  }

  #writeAddresses(card: PciCard, pages: number): void {
    const addresses = new BigUint64Array(this.#arena.memory.buffer, this.#records, pages);
    for (let page = 0; page < pages; page++)
      addresses[page] = BigInt(card.iova(this.region.offset + page * PAGE));
  }

  /** The first frame is taken first. */
  #stackFrames(stack: number, count: number, frameSize: number): void {
    const frames = new Uint32Array(this.#arena.memory.buffer, stack, count);
    for (let i = 0; i < count; i++) frames[i] = this.region.offset + (count - 1 - i) * frameSize;
    this.#rx.set(T.RX_STACK, stack);
    this.#rx.set(T.RX_FREE, count);
  }

  /** Packets that the card described wrongly, modulo 2^32. */
  get rxInvalid(): number {
    return this.#rx.invalid;
  }

  /** Buffers that the card says it has sent without having had them, modulo 2^32. */
  get txInvalid(): number {
    return this.#tx.invalid;
  }

  stats(): RingStats {
    const rxWaiting = this.#rx.pending;
    const sent = this.#tx.pending;
    return {
      rxSize: this.#rx.size,
      rxWaiting,
      rxFree: this.#rx.outstanding - rxWaiting,
      rxPackets: this.#rx.returned,
      txSize: this.#tx.size,
      txWaiting: this.#tx.outstanding - sent,
      txPackets: (this.#tx.returned + sent) >>> 0,
    };
  }

  /** Its memory that the card does not reach; the rest is the card's to free. */
  close(): void {
    this.#arena.release(this.#records);
  }
}
