import { createOwnRegion, destroyRegion, NicshareError, type Region } from '@nicshare/shm';
import type { Device, DeviceContext, DeviceInfo, DeviceStats, FastPath } from '../device.js';
import { loadDriverModule } from '../module.js';
import type { RuleCoverage } from '../rules.js';
import { DRIVER_TABLES } from '../tables.js';
import { writeUdpPacket, xorshift32 } from './packets.js';
import * as T from './pool-table.js';

/**
 * A device for benchmarks: without end it receives the same prepared UDP packets, each with addresses and a source
 * port drawn at random, and it sends to nowhere. The frames that it hands out may only be read.
 */
export interface NullOptions {
  readonly driver: 'null';
  /** Bytes of each packet in memory, 60 to the size of a frame. */
  readonly packetSize: number;
  /** Prepared packets; a power of two. Default 65536. */
  readonly frames?: number | undefined;
  /** Each packet goes to one of these, drawn at random. */
  readonly destinationPorts: readonly number[];
  /** The same seed gives the same packets. Default 1. */
  readonly seed?: number | undefined;
}

const DEFAULT_FRAMES = 65536;
const MAX_FRAMES = 1 << 20;
const MIN_PACKET = 60;
const TX_FRAMES = 256;
const MAC = Uint8Array.of(2, 0, 0, 0, 0x0f, 0x0f);

function requireThat(condition: boolean, what: string, action: string): void {
  if (!condition) throw new NicshareError('InvalidArgument', `The null device cannot have ${what}.`, action);
}

const isPort = (port: number): boolean => Number.isInteger(port) && port >= 0 && port <= 0xffff;

/** Opens a null device. Throws NicshareError InvalidArgument, OutOfMemory. */
export function openNull(options: NullOptions, context: DeviceContext): Device {
  const { packetSize, destinationPorts, frames = DEFAULT_FRAMES } = options;
  const { frameSize } = context;
  requireThat(
    Number.isInteger(packetSize) && packetSize >= MIN_PACKET && packetSize <= frameSize,
    `packets of ${packetSize} bytes`,
    `packetSize is ${MIN_PACKET} to ${frameSize}, the size of a frame.`,
  );
  requireThat(
    Number.isInteger(frames) && frames >= 1 && frames <= MAX_FRAMES && (frames & (frames - 1)) === 0,
    `${frames} frames`,
    `frames is a power of two up to ${MAX_FRAMES}.`,
  );
  requireThat(
    destinationPorts.length > 0 && destinationPorts.every(isPort),
    `the destination ports [${destinationPorts.join(', ')}]`,
    'Name at least one, each 0 to 65535.',
  );
  return new NullDevice({ packetSize, destinationPorts, frames, seed: options.seed ?? 1 }, context);
}

interface Settings {
  readonly packetSize: number;
  readonly destinationPorts: readonly number[];
  readonly frames: number;
  readonly seed: number;
}

class NullDevice implements Device {
  readonly info: DeviceInfo;
  readonly fastPath: FastPath;
  readonly rxRegions: readonly Region[];
  readonly waitDescriptors: readonly number[] = [];
  readonly #context: DeviceContext;
  readonly #pool: Region;
  readonly #table: DataView;
  /** Of a closed device. */
  #lastStats: DeviceStats | undefined;

  constructor(settings: Settings, context: DeviceContext) {
    const { arena, frameSize, hugepages } = context;
    const { memory } = arena;
    this.#context = context;
    this.#pool = createOwnRegion(
      arena,
      'nicshare-null',
      (settings.frames + TX_FRAMES) * frameSize,
      hugepages,
    );
    this.rxRegions = [this.#pool];
    this.#table = new DataView(memory.buffer, DRIVER_TABLES, T.TABLE_BYTES);
    this.#prepare(settings);
    this.info = {
      driver: 'null',
      interface: 'null',
      mac: MAC,
      rxQueues: 1,
      txQueues: 1,
      maxPacket: frameSize,
      mode: `${settings.frames} prepared packets of ${settings.packetSize} bytes`,
    };
    const module = loadDriverModule(memory);
    this.fastPath = {
      rxBurst: module.nullRxBurst,
      rxRelease: module.nullRxRelease,
      txReserve: module.nullTxReserve,
      txBurst: module.nullTxBurst,
    };
  }

  #prepare({ packetSize, destinationPorts, frames, seed }: Settings): void {
    const { arena, frameSize } = this.#context;
    const view = new DataView(arena.memory.buffer);
    const random = xorshift32(seed);
    for (let i = 0; i < frames; i++)
      writeUdpPacket(view, this.#pool.offset + i * frameSize, packetSize, MAC, {
        source: random(),
        destination: random(),
        sourcePort: random() & 0xffff,
        destinationPort: destinationPorts[random() % destinationPorts.length]!,
      });
    const cells: readonly (readonly [number, number])[] = [
      [T.RX_POOL, this.#pool.offset],
      [T.RX_MASK, frames - 1],
      [T.RX_LENGTH, packetSize],
      [T.RX_CURSOR, 0],
      [T.FRAME_SHIFT, Math.log2(frameSize)],
      [T.TX_POOL, this.#pool.offset + frames * frameSize],
      [T.TX_MASK, TX_FRAMES - 1],
      [T.TX_CURSOR, 0],
    ];
    for (const [cell, value] of cells) this.#table.setUint32(cell, value, true);
    this.#table.setBigUint64(T.DISCARDED, 0n, true);
  }

  /** Packets always wait. */
  prepareSleep(): boolean {
    return false;
  }

  endSleep(): void {}

  maintain(): number {
    return 0;
  }

  setRules(): RuleCoverage {
    return { coverage: 'none', why: 'the null device hands over all packets' };
  }

  stats(): DeviceStats {
    return this.#lastStats ?? this.#count();
  }

  #count(): DeviceStats {
    const discarded = Number(this.#table.getBigUint64(T.DISCARDED, true));
    return { rxDropped: {}, txDropped: { discarded } };
  }

  close(): void {
    if (this.#lastStats) return;
    this.#lastStats = this.#count();
    destroyRegion(this.#context.arena, this.#pool);
  }
}
