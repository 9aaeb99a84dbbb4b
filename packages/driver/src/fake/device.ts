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
import type { RuleCoverage, RuleSet } from '../rules.js';
import {
  DEAD,
  type FakeSteering,
  type FakeWireDescription,
  fakeBytes,
  linkCell,
  MAX_RULES,
  OPEN,
  ringBlock,
  rulesCell,
  sleepingCell,
  stateCell,
  UNPLUGGED,
} from './layout.js';
import { writeRules } from './rule-memory.js';
import { FakeRxQueue } from './rx-queue.js';
import { FakeTxQueue } from './tx-queue.js';

/** A device in memory: what it receives is injected, what it sends is captured, by a FakeWire. */
export interface FakeOptions {
  readonly driver: 'fake';
  /** Hardware rings for each direction; default 1. */
  readonly rings?: number | undefined;
  /** How packets are spread over them. Default 'hash'. */
  readonly steering?: FakeSteering | undefined;
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
  const wiring = { ...sizes, base: region.offset, steering: options.steering ?? 'hash' };
  return new MemoryDevice(context, region, wiring, mac);
}

/** Why a device that its wire put an end to is dead; undefined where it is not. */
function faultOf(state: number): NicshareError | undefined {
  if (state === DEAD)
    return new NicshareError('DeviceFailed', 'The fake device failed, as its wire wished.', 'Start anew.');
  return state === UNPLUGGED
    ? new NicshareError('InterfaceLost', 'The fake device was unplugged by its wire.', 'Start anew.')
    : undefined;
}

const isBroken = ({ broken }: { readonly broken: boolean }): boolean => broken;

const brokenRings = (): NicshareError =>
  new NicshareError(
    'DeviceFailed',
    'The fake device has a ring whose cursor stands where it cannot.',
    'Start anew.',
  );

class MemoryDevice implements FakeDevice {
  readonly info: DeviceInfo;
  readonly fastPath: FastPath;
  readonly rxRegions: readonly Region[];
  readonly wire: FakeWireDescription;
  readonly waitDescriptors: readonly number[];
  readonly #context: DeviceContext;
  readonly #rx: readonly FakeRxQueue[];
  readonly #tx: readonly FakeTxQueue[];
  readonly #cells: Int32Array;
  readonly #wakeups: { own: number; peer: number };
  /** Of a closed device. */
  #lastStats: DeviceStats | undefined;

  constructor(
    context: DeviceContext,
    region: Region,
    sizes: Omit<FakeWireDescription, 'rxTimes' | 'wakeDescriptor'>,
    mac: Uint8Array,
  ) {
    const { memory } = context.arena;
    const { rings } = sizes;
    const maxPacket = DEFAULT_MTU + layout.ETHERNET_HEADER;
    this.#context = context;
    this.rxRegions = [region];
    this.#cells = new Int32Array(memory.buffer);
    this.#wakeups = createWakePair();
    this.#rx = Array.from({ length: rings }, (_, ring) => new FakeRxQueue(memory, sizes, ring));
    this.#tx = Array.from({ length: rings }, (_, ring) => new FakeTxQueue(memory, sizes, ring, maxPacket));
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
    this.fastPath = fastPathOf(this.#rx, this.#tx, rxTimes);
    this.wire = { ...sizes, rxTimes, wakeDescriptor: this.#wakeups.peer };
    this.waitDescriptors = [this.#wakeups.own];
    Atomics.store(this.#cells, stateCell(sizes), OPEN);
  }

  prepareSleep(): boolean {
    Atomics.store(this.#cells, sleepingCell(this.wire), 1);
    if (!this.#rx.some((queue) => queue.waiting) && this.#alive) return true;
    this.endSleep();
    return false;
  }

  endSleep(): void {
    Atomics.store(this.#cells, sleepingCell(this.wire), 0);
    drainWakeups(this.#wakeups.own);
  }

  get #state(): number {
    return Atomics.load(this.#cells, stateCell(this.wire));
  }

  get #alive(): boolean {
    return this.#state === OPEN && !this.#rx.some(isBroken) && !this.#tx.some(isBroken);
  }

  maintain(): number {
    if (!this.#alive) throw faultOf(this.#state) ?? brokenRings();
    return 0;
  }

  setRules(rules: RuleSet): RuleCoverage {
    const { memory } = this.#context.arena;
    if (writeRules(memory, rulesCell(this.wire), rules)) return { coverage: 'exact' };
    return { coverage: 'none', why: `the fake device takes ${MAX_RULES} rules, not ${rules.matches.length}` };
  }

  stats(): DeviceStats {
    return this.#lastStats ?? this.#count();
  }

  #count(): DeviceStats {
    const rx = (count: (queue: FakeRxQueue) => number): number => sum(this.#rx.map(count));
    const tx = (count: (queue: FakeTxQueue) => number): number => sum(this.#tx.map(count));
    return {
      link: Atomics.load(this.#cells, linkCell(this.wire)) === 0 ? 'up' : 'down',
      rxDropped: {
        ringFull: rx((queue) => queue.ringFull),
        noFrame: rx((queue) => queue.noFrame),
        wrongLength: rx((queue) => queue.wrongLength),
        linkDown: rx((queue) => queue.linkDown),
        unmatched: rx((queue) => queue.unmatched),
        wrongDescriptor: rx((queue) => queue.wrongDescriptor),
      },
      txDropped: {
        runt: tx((queue) => queue.runts),
        oversized: tx((queue) => queue.oversized),
        linkDown: tx((queue) => queue.linkDown),
        wrongCompletion: tx((queue) => queue.wrongCompletion),
      },
      rings: this.#rx.map((_, ring) => readRingStats(this.#cells, ringBlock(this.wire, ring))),
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

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

function fastPathOf(rx: readonly FakeRxQueue[], tx: readonly FakeTxQueue[], rxTimes: boolean): FastPath {
  return {
    rxBurst: (queue, batch, max) => rx[queue]!.rxBurst(batch, max),
    rxRelease: (queue, batch, count) => rx[queue]!.rxRelease(batch, count),
    txReserve: (queue, batch, max) => tx[queue]!.txReserve(batch, max),
    txBurst: (queue, batch, count) => tx[queue]!.txBurst(batch, count),
    ...(rxTimes && { rxTime: (queue: number, entry: number) => rx[queue]!.rxTime(entry) }),
  };
}
