/* Mode `shared` step by step, on a device that hands out what a test tells it and notes what it gets back. */
import { tables as driver } from '@nicshare/driver';
import { layout, readSessionCounters, type SessionCounters, sessionShape } from '@nicshare/shm';
import test from 'ava';
import { loadPlane } from './plane.js';
import { writeRules } from './rule-table.js';
import { ActiveSessions } from './sessions.js';
import * as T from './tables.js';

const MIB = 2 ** 20;
const FRAME = 2048;
const WINDOW = 8 * MIB;
const LEDGER = 16 * MIB;
const SESSION = 20 * MIB;
const CREDIT = 80;
const SHAPE = sessionShape({ mode: 'shared', ringSize: 128, frameSize: FRAME, rxFrames: 128, txFrames: 128 });
/** In a frame, where the device has put a packet. */
const HEADROOM = 256;

interface Release {
  readonly queue: number;
  /** Numbers of frames. */
  readonly frames: readonly number[];
}

class Lender {
  readonly memory = new WebAssembly.Memory({ initial: 512, maximum: 512, shared: true });
  readonly releases: Release[] = [];
  readonly cells = new Uint32Array(this.memory.buffer);
  /** Frames whose packets come next, by RxQueue. */
  readonly coming: number[][] = [[], []];
  readonly sessions: ActiveSessions;
  readonly record: number;
  readonly plane = loadPlane(this.memory, {
    rxBurst: (queue, batch, max) => this.#rxBurst(queue, batch, max),
    rxRelease: (queue, batch, count) => this.#rxRelease(queue, batch, count),
    txReserve: () => 0,
    txBurst: () => {},
  });

  constructor() {
    writeRules(new DataView(this.memory.buffer), [{ match: {}, queue: 0 }]);
    this.cells[(T.PLANE + T.PLANE_RX_QUEUES) >> 2] = 2;
    this.sessions = new ActiveSessions(this.memory, { txQueues: 1, maxPacket: 1514 } as never);
    this.sessions.attach({
      slot: 0,
      queue: 0,
      shape: SHAPE,
      dispatcherRegion: SESSION,
      clientRegion: SESSION + 2 * MIB,
      ledger: LEDGER,
      lending: { window: WINDOW, windowBytes: 4 * MIB, credit: CREDIT },
      wakeFd: -1,
    });
    this.record = this.sessions.list[0]!.record;
  }

  #rxBurst(queue: number, batch: number, max: number): number {
    const frames = this.coming[queue]!.splice(0, max);
    frames.forEach((frame, i) => {
      const entry = (batch + i * driver.BATCH_ENTRY) >> 2;
      this.cells[entry] = WINDOW + frame * FRAME + HEADROOM;
      this.cells[entry + 1] = 60;
    });
    return frames.length;
  }

  #rxRelease(queue: number, batch: number, count: number): void {
    const frames = Array.from({ length: count }, (_, i) =>
      Math.floor((this.cells[(batch + i * driver.BATCH_ENTRY) >> 2]! - WINDOW) / FRAME),
    );
    this.releases.push({ queue, frames });
  }

  receive(queue: number, frames: readonly number[]): void {
    this.coming[queue]!.push(...frames);
    this.plane.receive();
  }

  /** Offsets in the rxRing, from the first one on. */
  delivered(): number[] {
    const count = this.#own(layout.RX_PRODUCER);
    return Array.from({ length: count }, (_, i) =>
      this.#own(SHAPE.rxDescriptors + (i % SHAPE.ringSize) * layout.DESCRIPTOR_SIZE),
    );
  }

  /** The client takes all that is in its rxRing. */
  take(): void {
    this.#setClient(layout.RX_CONSUMER, this.#own(layout.RX_PRODUCER));
  }

  /** The client puts offsets into its fillRing. */
  giveBack(offsets: readonly number[]): void {
    const producer = this.cells[(SESSION + 2 * MIB + layout.FILL_PRODUCER) >> 2]!;
    offsets.forEach((offset, i) => {
      this.#setClient(SHAPE.fillEntries + ((producer + i) % SHAPE.rxFrames) * layout.ENTRY_SIZE, offset);
    });
    this.#setClient(layout.FILL_PRODUCER, producer + offsets.length);
  }

  get held(): number {
    return this.cells[(this.record + T.SESSION_HELD) >> 2]!;
  }

  get violation(): number {
    return this.cells[(this.record + T.SESSION_VIOLATION) >> 2]!;
  }

  get counters(): SessionCounters {
    return readSessionCounters(new DataView(this.memory.buffer), SESSION);
  }

  #own(offset: number): number {
    return this.cells[(SESSION + offset) >> 2]!;
  }

  #setClient(offset: number, value: number): void {
    this.cells[(SESSION + 2 * MIB + offset) >> 2] = value;
  }
}

const range = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i);
const offsetOf = (frame: number): number => frame * FRAME + HEADROOM;

test('a packet is delivered where it lies, and its frame stays out', (t) => {
  const lender = new Lender();
  lender.receive(0, [3, 7, 5]);
  t.deepEqual(lender.delivered(), [3, 7, 5].map(offsetOf));
  t.deepEqual(lender.releases, []);
  t.is(lender.held, 3);
  t.is(lender.plane.audit(lender.record), 0);
});

test('returned frames go back to their own RxQueue, in bursts', (t) => {
  const lender = new Lender();
  lender.receive(0, range(0, 40));
  lender.receive(1, range(1000, 40));
  lender.take();
  const mixed = range(0, 40).flatMap((i) => [offsetOf(i), offsetOf(1000 + i)]);
  lender.giveBack(mixed);
  t.is(lender.plane.reclaim(), 80);
  t.deepEqual(lender.releases, [
    { queue: 0, frames: range(0, 40) },
    { queue: 1, frames: range(1000, 40) },
  ]);
  t.is(lender.held, 0);
  t.is(lender.plane.audit(lender.record), 0);
});

test('more than a burst of returned frames is several bursts', (t) => {
  const lender = new Lender();
  lender.receive(0, range(0, 64));
  lender.receive(0, range(64, 16));
  lender.take();
  lender.giveBack(range(0, 80).map(offsetOf));
  lender.plane.reclaim();
  t.deepEqual(lender.releases, [
    { queue: 0, frames: range(0, 64) },
    { queue: 0, frames: range(64, 16) },
  ]);
});

test('any byte of a frame names it', (t) => {
  const lender = new Lender();
  lender.receive(0, [3, 4]);
  lender.giveBack([3 * FRAME, 4 * FRAME + FRAME - 1]);
  t.is(lender.plane.reclaim(), 2);
  t.is(lender.violation, 0);
  t.deepEqual(lender.releases, [{ queue: 0, frames: [3, 4] }]);
});

test('beyond its credit a client loses packets, which go back to the device at once, until it returns some', (t) => {
  const lender = new Lender();
  lender.receive(0, range(0, 64));
  lender.receive(0, range(64, 26));
  t.is(lender.held, CREDIT);
  t.is(lender.counters.rxDropNoCredit, 10);
  t.deepEqual(lender.releases, [{ queue: 0, frames: range(80, 10) }]);
  lender.take();
  lender.giveBack([offsetOf(5)]);
  lender.receive(0, [200, 201]);
  t.is(lender.counters.rxDropNoCredit, 11);
  t.deepEqual(lender.delivered().slice(-1), [offsetOf(200)]);
  lender.plane.reclaim();
  t.deepEqual(lender.releases.slice(1), [
    { queue: 0, frames: [201] },
    { queue: 0, frames: [5] },
  ]);
  t.is(lender.plane.audit(lender.record), 0);
});

test('a full rxRing loses packets, which go back to the device', (t) => {
  const lender = new Lender();
  for (let round = 0; round < 2; round++) {
    lender.receive(0, range(round * 64, 64));
    lender.giveBack(range(round * 64, 64).map(offsetOf));
    lender.plane.reclaim();
  }
  lender.releases.length = 0;
  lender.receive(0, [300]);
  t.is(lender.counters.rxDropRingFull, 1);
  t.deepEqual(lender.releases, [{ queue: 0, frames: [300] }]);
});

test('a frame that a device hands out while the client holds it is lost to that client, and held once', (t) => {
  const lender = new Lender();
  lender.receive(0, [9]);
  lender.receive(0, [9, 10]);
  t.is(lender.counters.rxDropNoFrame, 1);
  t.is(lender.held, 2);
  t.is(lender.plane.audit(lender.record), 0);
  lender.take();
  lender.giveBack([offsetOf(9), offsetOf(10)]);
  t.is(lender.plane.reclaim(), 2);
  t.is(lender.violation, 0);
});

for (const [what, offsets, violation] of [
  ['given back twice', [offsetOf(1), offsetOf(1)], T.VIOLATION_FRAME_NOT_HELD],
  ['never held', [offsetOf(1), offsetOf(3)], T.VIOLATION_FRAME_NOT_HELD],
  ['behind the last', [offsetOf(1), 4 * MIB], T.VIOLATION_FILL_ENTRY],
  ['far away', [offsetOf(1), 0xffffffff], T.VIOLATION_FILL_ENTRY],
] as const)
  test(`a frame ${what} is a violation, and all that is held comes back once`, (t) => {
    const lender = new Lender();
    lender.receive(1, [1, 2]);
    lender.take();
    lender.giveBack(offsets);
    lender.plane.reclaim();
    t.is(lender.violation, violation);
    t.is(lender.plane.audit(lender.record), 0);
    lender.receive(0, [50]);
    t.is(lender.held, 1, 'it gets nothing any more');
    lender.sessions.detach(0);
    t.is(lender.plane.takeAllBack(lender.record), 1);
    t.is(lender.plane.takeAllBack(lender.record), 0);
    t.deepEqual(
      lender.releases.map(({ queue, frames }) => [queue, ...frames]),
      [
        [1, 1],
        [0, 50],
        [1, 2],
      ],
    );
  });

test("a fillRing's cursor that left the ring is a violation", (t) => {
  const lender = new Lender();
  lender.receive(0, [1]);
  lender.giveBack(range(0, SHAPE.rxFrames + 1).map(offsetOf));
  lender.plane.reclaim();
  t.is(lender.violation, T.VIOLATION_FILL_PRODUCER);
});

test('what an ended session holds comes back, wherever it is', (t) => {
  const lender = new Lender();
  lender.receive(0, range(0, 60));
  lender.receive(1, range(700, 20));
  lender.take();
  lender.giveBack(range(10, 5).map(offsetOf));
  lender.sessions.detach(0);
  t.is(lender.plane.audit(lender.record), 0);
  t.is(lender.plane.takeAllBack(lender.record), 80);
  t.deepEqual(lender.releases, [
    { queue: 0, frames: range(0, 60) },
    { queue: 1, frames: range(700, 20) },
  ]);
  t.is(lender.plane.audit(lender.record), 0);
});
