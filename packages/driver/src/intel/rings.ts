import type { Arena, Region } from '@nicshare/shm';
import type { DeviceContext, RingStats } from '../device.js';
import type { PciCard } from '../pci/card.js';
import { DRIVER_TABLES } from '../tables.js';
import * as T from './ring-table.js';

const DESCRIPTOR = 1 << T.DESCRIPTOR_SHIFT;
const PAGE = 1 << T.PAGE_SHIFT;
/** Rings of up to 4096 descriptors; at such a multiple they never lie across two pages. */
const RING_ALIGNMENT = 4096 * DESCRIPTOR;

/** Where a card has the tail registers of a ring pair, and what it wants in a TX descriptor. */
export interface RingDialect {
  readonly rxTail: (ring: number) => number;
  readonly txTail: (ring: number) => number;
  /** Beside the length, in a descriptor's third word. */
  readonly txCommand: number;
  /** Where the length stands in the fourth word; 32: not at all. */
  readonly txLengthShift: number;
}

type Sizes = Pick<DeviceContext, 'frameSize' | 'ringSize' | 'spareFrames'>;

const align = (value: number, to: number): number => Math.ceil(value / to) * to;
const rxFramesOf = ({ ringSize, spareFrames = 0 }: Sizes): number => ringSize * 2 + spareFrames;
const frameBytes = (sizes: Sizes): number => (rxFramesOf(sizes) + sizes.ringSize) * sizes.frameSize;

/** Memory of one ring pair that the card reaches. */
export const ringPairBytes = (sizes: Sizes): number =>
  align(frameBytes(sizes), RING_ALIGNMENT) + 2 * RING_ALIGNMENT;

/** One RX ring and one TX ring with their frames, in a region that the card reaches. */
export class RingPair {
  readonly region: Region;
  /** Addresses of the descriptors for the card. */
  readonly rxIova: number;
  readonly txIova: number;
  readonly descriptorBytes: number;
  readonly #arena: Arena;
  /** What the card must not reach: which frame is where. */
  readonly #records: number;
  readonly #cells: Uint32Array;
  readonly #size: number;

  constructor(ring: number, card: PciCard, context: DeviceContext, dialect: RingDialect) {
    const { arena, ringSize } = context;
    const rxFrames = rxFramesOf(context);
    this.#arena = arena;
    this.#size = ringSize;
    this.descriptorBytes = ringSize * DESCRIPTOR;
    this.region = card.allocate(`nicshare-ring-${ring}`, ringPairBytes(context));
    const rings = this.region.offset + align(frameBytes(context), RING_ALIGNMENT);
    this.rxIova = card.iova(rings);
    this.txIova = card.iova(rings + RING_ALIGNMENT);
    const pages = Math.ceil(this.region.bytes / PAGE);
    this.#records = arena.allocate(pages * 8 + (ringSize + rxFrames) * 4);
    const entry = DRIVER_TABLES + (ring << T.RING_SHIFT);
    this.#cells = new Uint32Array(arena.memory.buffer, entry, T.RING_ENTRY_END / 4).fill(0);
    this.#writeMemory(rings, context.frameSize, rxFrames);
    this.#writeRecords(card, pages, context.frameSize, rxFrames);
    this.#set(T.RX_TAIL_AT, dialect.rxTail(ring));
    this.#set(T.TX_TAIL_AT, dialect.txTail(ring));
    this.#set(T.TX_COMMAND, dialect.txCommand);
    this.#set(T.TX_LENGTH_SHIFT, dialect.txLengthShift);
  }

  #set(cell: number, value: number): void {
    this.#cells[cell / 4] = value;
  }

  #get(cell: number): number {
    return this.#cells[cell / 4]!;
  }

  #writeMemory(rings: number, frameSize: number, rxFrames: number): void {
    this.#set(T.REGION, this.region.offset);
    this.#set(T.FRAME_SIZE, frameSize);
    this.#set(T.RX_RING, rings);
    this.#set(T.RX_MASK, this.#size - 1);
    this.#set(T.TX_RING, rings + RING_ALIGNMENT);
    this.#set(T.TX_MASK, this.#size - 1);
    this.#set(T.TX_FRAMES, this.region.offset + rxFrames * frameSize);
  }

  #writeRecords(card: PciCard, pages: number, frameSize: number, rxFrames: number): void {
    const { buffer } = this.#arena.memory;
    const slots = this.#records + pages * 8;
    const stack = slots + this.#size * 4;
    this.#set(T.PAGES, this.#records);
    this.#set(T.RX_SLOTS, slots);
    this.#set(T.RX_STACK, stack);
    this.#set(T.RX_FREE, rxFrames);
    const addresses = new BigUint64Array(buffer, this.#records, pages);
    for (let page = 0; page < pages; page++)
      addresses[page] = BigInt(card.iova(this.region.offset + page * PAGE));
    const frames = new Uint32Array(buffer, stack, rxFrames);
    // The first frame is taken first.
    for (let i = 0; i < rxFrames; i++) frames[i] = this.region.offset + (rxFrames - 1 - i) * frameSize;
  }

  /** Packets that the card described wrongly, modulo 2^32. */
  get invalid(): number {
    return this.#get(T.RX_INVALID);
  }

  stats(): RingStats {
    const [next, filled] = [this.#get(T.RX_NEXT), this.#get(T.RX_FILLED)];
    const sent = this.#get(T.TX_CLEAN);
    return {
      rxSize: this.#size,
      rxWaiting: this.#written(next, filled),
      rxFree: (filled - next) >>> 0,
      rxPackets: (next - this.invalid) >>> 0,
      txSize: this.#size,
      txWaiting: (this.#get(T.TX_NEXT) - sent) >>> 0,
      txPackets: sent,
    };
  }

  /** Descriptors that the card has written back and nobody has taken. */
  #written(next: number, filled: number): number {
    const ring = new Uint32Array(this.#arena.memory.buffer, this.#get(T.RX_RING), this.descriptorBytes / 4);
    const status = (at: number): number => ring[(at & (this.#size - 1)) * (DESCRIPTOR / 4) + T.STATUS / 4]!;
    let waiting = 0;
    while (waiting < (filled - next) >>> 0 && status(next + waiting) & T.RX_DONE) waiting++;
    return waiting;
  }

  /** Its memory that the card does not reach; the rest is the card's to free. */
  close(): void {
    this.#arena.release(this.#records);
  }
}
