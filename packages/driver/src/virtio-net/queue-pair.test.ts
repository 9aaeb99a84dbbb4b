import { Arena, createOwnRegion, type Region } from '@nicshare/shm';
import test from 'ava';
import { type DriverModule, loadDriverModule } from '../module.js';
import type { PciCard } from '../pci/card.js';
import { BATCH_ENTRY, BATCH_LENGTH, BATCH_OFFSET, MAX_BURST } from '../tables.js';
import { VIRTQUEUE_AVAILABLE, VIRTQUEUE_BYTES, VIRTQUEUE_USED } from './queue-memory.js';
import { QueuePair } from './queue-pair.js';
import { HEADER } from './queue-table.js';
import * as R from './registers.js';
import { Transport } from './transport.js';

const SIZE = 64;
const FRAME = 2048;
const IOVA_BASE = 2 ** 32;
const AT: Readonly<Record<number, number>> = {
  [R.COMMON]: 0,
  [R.DEVICE]: 0x100,
  [R.ISR]: 0x200,
  [R.NOTIFY]: 0x300,
};
const TYPES = Object.keys(AT).map(Number);
const UNTOLD = 0xffff;

/** A card that does what the test says: its registers are memory, and its queues are written by hand. */
class HandCard {
  readonly arena = Arena.create(16 << 20, { shared: true });
  readonly module: DriverModule = loadDriverModule(this.arena.memory);
  readonly pair: QueuePair;
  readonly batch = this.arena.allocate(MAX_BURST * BATCH_ENTRY);
  readonly view = new DataView(this.arena.memory.buffer);
  readonly #registers = this.arena.allocate(4096);
  #region: Region | undefined;
  #rxUsed = 0;
  #txUsed = 0;

  constructor() {
    const config = {
      capabilities: () => TYPES.map((type) => ({ id: R.CAPABILITY_VENDOR, offset: type * 32 })),
      read8: (at: number) => (at % 32 === R.CAP_TYPE ? at >> 5 : 0),
      read32: (at: number) =>
        ({ [R.CAP_OFFSET]: AT[at >> 5], [R.CAP_LENGTH]: 0x100, [R.CAP_NOTIFY_MULTIPLIER]: 4 })[at % 32]!,
    };
    const card = {
      address: '0000:00:02.0',
      config,
      mapBar: () => ({ offset: this.#registers, bytes: 4096 }),
      allocate: (name: string, bytes: number) => {
        this.#region = createOwnRegion(this.arena, name, bytes, 'never');
        return this.#region;
      },
      iova: (offset: number) => IOVA_BASE + offset,
    } as unknown as PciCard;
    this.view.setUint16(this.#registers + R.QUEUE_SIZE, SIZE, true);
    this.notified = UNTOLD;
    const place = { ring: 0, rings: 1, vector: undefined };
    this.pair = new QueuePair(place, card, new Transport(card, this.arena.memory), {
      arena: this.arena,
      frameSize: FRAME,
      ringSize: SIZE,
      hugepages: 'never',
      note: () => {},
    });
    this.module.virtioRxPublish(0);
  }

  /** The queue that the card was last told of. */
  get notified(): number {
    return this.view.getUint16(this.#registers + AT[R.NOTIFY]!, true);
  }

  set notified(queue: number) {
    this.view.setUint16(this.#registers + AT[R.NOTIFY]!, queue, true);
  }

  get rxQueue(): number {
    const frames = Math.ceil((3 * SIZE * FRAME) / VIRTQUEUE_BYTES) * VIRTQUEUE_BYTES;
    return this.#region!.offset + frames;
  }

  get txQueue(): number {
    return this.rxQueue + VIRTQUEUE_BYTES;
  }

  available(queue: number): number {
    return this.view.getUint16(queue + VIRTQUEUE_AVAILABLE + 2, true);
  }

  descriptor(queue: number, id: number): { address: number; length: number; flags: number } {
    const at = queue + id * 16;
    return {
      address: Number(this.view.getBigUint64(at, true)),
      length: this.view.getUint32(at + 8, true),
      flags: this.view.getUint16(at + 12, true),
    };
  }

  #use(queue: number, index: number, id: number, length: number): void {
    const used = queue + VIRTQUEUE_USED;
    this.view.setUint32(used + 4 + (index % SIZE) * 8, id, true);
    this.view.setUint32(used + 8 + (index % SIZE) * 8, length, true);
    this.view.setUint16(used + 2, index + 1, true);
  }

  receive(id: number, length: number): void {
    this.#use(this.rxQueue, this.#rxUsed++, id, length);
  }

  sent(id: number): void {
    this.#use(this.txQueue, this.#txUsed++, id, 0);
  }

  /** What one burst hands over: offsets and lengths. */
  take(): [number, number][] {
    const count = this.module.virtioRxBurst(0, this.batch, MAX_BURST);
    return this.#entries(count);
  }

  reserve(max: number): [number, number][] {
    return this.#entries(this.module.virtioTxReserve(0, this.batch, max));
  }

  send(length: number): void {
    this.reserve(1);
    this.view.setUint32(this.batch + BATCH_LENGTH, length, true);
    this.module.virtioTxBurst(0, this.batch, 1);
  }

  #entries(count: number): [number, number][] {
    return Array.from({ length: count }, (_, i) => [
      this.view.getUint32(this.batch + i * BATCH_ENTRY + BATCH_OFFSET, true),
      this.view.getUint32(this.batch + i * BATCH_ENTRY + BATCH_LENGTH, true),
    ]);
  }
}

test('every buffer is a frame that the card may fill', (t) => {
  const card = new HandCard();
  t.is(card.available(card.rxQueue), SIZE);
  const addresses = new Set<number>();
  for (let id = 0; id < SIZE; id++) {
    const { address, length, flags } = card.descriptor(card.rxQueue, id);
    t.is((address - IOVA_BASE) % FRAME, 0);
    t.deepEqual([length, flags], [FRAME, 2]);
    addresses.add(address);
  }
  t.is(addresses.size, SIZE);
});

test('packets come in the order of the used ring, behind their headers', (t) => {
  const card = new HandCard();
  const frame = (id: number): number => card.descriptor(card.rxQueue, id).address - IOVA_BASE;
  const expected = [frame(9) + HEADER, frame(3) + HEADER];
  card.receive(9, HEADER + 60);
  card.receive(3, FRAME);
  t.deepEqual(card.take(), [
    [expected[0]!, 60],
    [expected[1]!, FRAME - HEADER],
  ]);
  t.is(card.pair.stats().rxPackets, 2);
});

test('a number of no buffer, and one that the card has given back already, are counted and hand over nothing', (t) => {
  const card = new HandCard();
  for (const id of [SIZE, 0x10000, 0x7fffffff, 0xffffffff]) card.receive(id, 100);
  t.deepEqual(card.take(), []);
  t.is(card.pair.rxInvalid, 4);
  card.receive(5, 100);
  card.receive(5, 100);
  t.is(card.take().length, 1);
  t.is(card.pair.rxInvalid, 5);
});

test('a length without a packet or beyond the frame is counted, and the frame used again', (t) => {
  const card = new HandCard();
  const lengths = [0, 1, HEADER, FRAME + 1, 0x80000000, 0xffffffff];
  lengths.forEach((length, id) => {
    card.receive(id, length);
  });
  t.deepEqual(card.take(), []);
  t.is(card.pair.rxInvalid, lengths.length);
  t.is(card.pair.stats().rxFree, SIZE);
});

test('an index far ahead hands no buffer over twice', (t) => {
  const card = new HandCard();
  card.receive(7, 100);
  card.view.setUint16(card.rxQueue + VIRTQUEUE_USED + 2, 30_000, true);
  const handed = [card.take(), card.take()].flat();
  t.is(new Set(handed.map(([offset]) => offset)).size, handed.length);
  t.true(card.pair.rxInvalid >= 30_000 - handed.length);
  t.true(card.pair.stats().rxWaiting <= SIZE);
});

test('the card is told of buffers only where it wants to be', (t) => {
  const card = new HandCard();
  t.is(card.notified, 0);
  card.notified = UNTOLD;
  card.send(60);
  t.is(card.notified, 1);
  card.notified = UNTOLD;
  card.view.setUint16(card.txQueue + VIRTQUEUE_USED, 1, true);
  card.send(60);
  t.is(card.notified, UNTOLD);
  t.is(card.available(card.txQueue), 2);
});

test('no interrupt is wanted while polling, and a packet that came before a sleep is seen', (t) => {
  const card = new HandCard();
  const flags = (): number => card.view.getUint16(card.rxQueue + VIRTQUEUE_AVAILABLE, true);
  t.is(flags(), 1);
  t.is(card.module.virtioRxInterrupts(0, 1), 0);
  t.is(flags(), 0);
  card.receive(0, 100);
  t.is(card.module.virtioRxInterrupts(0, 1), 1);
  card.module.virtioRxInterrupts(0, 0);
  t.is(flags(), 1);
});

test('what is sent stands behind a header of zeros, and is not named again before it was sent', (t) => {
  const card = new HandCard();
  const [[offset]] = card.reserve(1) as [[number, number]];
  card.send(60);
  const { address, length, flags } = card.descriptor(card.txQueue, 0);
  t.deepEqual([address, length, flags], [IOVA_BASE + offset - HEADER, 60 + HEADER, 0]);
  t.deepEqual(
    [...new Uint8Array(card.arena.memory.buffer, offset - HEADER, HEADER)],
    new Array(HEADER).fill(0),
  );
  t.is(card.reserve(SIZE).length, SIZE - 1);
  t.false(card.reserve(SIZE).some(([other]) => other === offset));
  card.sent(0);
  t.true(card.reserve(SIZE).some(([other]) => other === offset));
});

test('a card that says it sent what it never had, or twice, frees nothing', (t) => {
  const card = new HandCard();
  card.send(60);
  for (const id of [1, SIZE, 0xffffffff]) card.sent(id);
  t.is(card.reserve(SIZE).length, SIZE - 1);
  card.sent(0);
  card.sent(0);
  t.is(card.reserve(SIZE).length, SIZE);
  t.is(card.pair.txInvalid, 4);
});
