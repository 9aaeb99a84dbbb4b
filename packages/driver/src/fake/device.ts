import {
  createOwnRegion,
  createWakePair,
  destroyRegion,
  drainWakeups,
  layout,
  NicshareError,
  parseMac,
  type Region,
} from '@nicshare/shm';
import { libc } from '@nicshare/shm/sys';
import type { Device, DeviceContext, DeviceInfo, DeviceStats, FastPath } from '../device.js';
import { readRingStats } from '../ring-stats.js';
import type { RuleCoverage } from '../rules.js';
import {
  type FakeSizes,
  type FakeWireDescription,
  fakeBytes,
  OPEN,
  ringBlock,
  sleepingCell,
  stateCell,
} from './layout.js';
import { FakeQueue } from './queue.js';

/** A device in memory: what it receives is injected, what it sends is captured, by a FakeWire. */
export interface FakeOptions {
  readonly driver: 'fake';
  /** Hardware rings for each direction; default 1. */
  readonly rings?: number | undefined;
  /** Default 02:00:00:00:fa:ce. */
  readonly mac?: string | undefined;
}

export interface FakeDevice extends Device {
  /** For `new FakeWire(arena.memory, wire)`, in any thread of this process. */
  readonly wire: FakeWireDescription;
}

const DEFAULT_MAC = '02:00:00:00:fa:ce';
const DEFAULT_MTU = 1500;

/** Opens a fake device. Throws NicshareError InvalidArgument, OutOfMemory. */
export function openFake(options: FakeOptions, context: DeviceContext): FakeDevice {
  const { arena, ringSize, frameSize, spareFrames = 0 } = context;
  const rings = options.rings ?? 1;
  if (!Number.isInteger(rings) || rings < 1)
    throw new NicshareError('InvalidArgument', `A fake device of ${rings} rings.`, 'Ask for at least one.');
  const mac = parseMac(options.mac ?? DEFAULT_MAC);
  const sizes = { base: 0, rings, ringSize, frameSize, spareFrames };
  // Never in 2 MiB pages: those are for devices that gain by them.
  const region = createOwnRegion(arena, 'nicshare-fake', fakeBytes(sizes), 'never');
  return new MemoryDevice(context, region, { ...sizes, base: region.offset }, mac);
}

class MemoryDevice implements FakeDevice {
  readonly info: DeviceInfo;
  readonly fastPath: FastPath;
  readonly rxRegions: readonly Region[];
  readonly wire: FakeWireDescription;
  readonly waitDescriptors: readonly number[];
  readonly #context: DeviceContext;
  readonly #queues: readonly FakeQueue[];
  readonly #cells: Int32Array;
  readonly #wakeups: { own: number; peer: number };
  /** Of a closed device. */
  #lastStats: DeviceStats | undefined;

  constructor(context: DeviceContext, region: Region, sizes: FakeSizes, mac: Uint8Array) {
    const { memory } = context.arena;
    const { rings } = sizes;
    const maxPacket = DEFAULT_MTU + layout.ETHERNET_HEADER;
    this.#context = context;
    this.rxRegions = [region];
    this.#cells = new Int32Array(memory.buffer);
    this.#wakeups = createWakePair();
    this.#queues = Array.from({ length: rings }, (_, ring) => new FakeQueue(memory, sizes, ring, maxPacket));
    this.info = {
      driver: 'fake',
      interface: 'fake',
      mac,
      rxQueues: rings,
      txQueues: rings,
      maxPacket,
      mode: 'in memory',
    };
    const { rxTimes = false } = context;
    this.fastPath = fastPathOf(this.#queues, rxTimes);
    this.wire = { ...sizes, rxTimes, wakeDescriptor: this.#wakeups.peer };
    this.waitDescriptors = [this.#wakeups.own];
    Atomics.store(this.#cells, stateCell(sizes), OPEN);
  }

  prepareSleep(): boolean {
    Atomics.store(this.#cells, sleepingCell(this.wire), 1);
    if (!this.#queues.some((queue) => queue.rxWaiting)) return true;
    this.endSleep();
    return false;
  }

  endSleep(): void {
    Atomics.store(this.#cells, sleepingCell(this.wire), 0);
    drainWakeups(this.#wakeups.own);
  }

  maintain(): number {
    return 0;
  }

  setRules(): RuleCoverage {
    return { coverage: 'none', why: 'the fake device hands over all packets' };
  }

  stats(): DeviceStats {
    return this.#lastStats ?? this.#count();
  }

  #count(): DeviceStats {
    const sum = (count: (queue: FakeQueue) => number): number =>
      this.#queues.reduce((total, queue) => total + count(queue), 0);
    return {
      rxDropped: {
        ringFull: sum((queue) => queue.rxRingFull),
        noFrame: sum((queue) => queue.rxNoFrame),
        wrongLength: sum((queue) => queue.rxWrongLength),
      },
      txDropped: { runt: sum((queue) => queue.txRunts), oversized: sum((queue) => queue.txOversized) },
      rings: this.#queues.map((_, ring) => readRingStats(this.#cells, ringBlock(this.wire, ring))),
    };
  }

  close(): void {
    if (this.#lastStats) return;
    this.#lastStats = this.#count();
    Atomics.store(this.#cells, stateCell(this.wire), 0);
    for (const region of this.rxRegions) destroyRegion(this.#context.arena, region);
    libc.close(this.#wakeups.own);
    libc.close(this.#wakeups.peer);
  }
}

function fastPathOf(queues: readonly FakeQueue[], rxTimes: boolean): FastPath {
  return {
    rxBurst: (queue, batch, max) => queues[queue]!.rxBurst(batch, max),
    rxRelease: (queue, batch, count) => queues[queue]!.rxRelease(batch, count),
    txReserve: (queue, batch, max) => queues[queue]!.txReserve(batch, max),
    txBurst: (queue, batch, count) => queues[queue]!.txBurst(batch, count),
    ...(rxTimes && { rxTime: (queue: number, entry: number) => queues[queue]!.rxTime(entry) }),
  };
}
