/** The pcap device without a dispatcher: takes its packets without pause, first to warm up, then to measure. */
import { openDevice, tables } from '@nicshare/driver';
import { Arena } from '@nicshare/shm';
import { nowNs, settings, tell } from './parent.js';

const ARENA_BYTES = 512 << 20;
const RING_SIZE = 4096;
const TURNS_A_LOOK = 1024;

export interface ReplaySettings {
  readonly file: string;
  readonly pages: 'huge' | 'small';
  readonly warmupSeconds: number;
  readonly seconds: number;
}

const { file, pages, warmupSeconds, seconds } = settings<ReplaySettings>();
const arena = Arena.create(ARENA_BYTES, { shared: true });
const device = openDevice(
  { driver: 'pcap', file, rate: 'flat-out', loop: true },
  {
    arena,
    frameSize: 2048,
    ringSize: RING_SIZE,
    hugepages: pages === 'huge' ? 'require' : 'never',
    note: (line) => process.stderr.write(`${line}\n`),
  },
);
device.start?.();
const { rxBurst, rxRelease } = device.fastPath;
const batch = arena.allocate(tables.MAX_BURST * tables.BATCH_ENTRY);
const words = new Uint32Array(arena.memory.buffer);
let packets = 0;
let sum = 0;

/** Takes a burst and reads 8 bytes of every packet, as the C side does. */
function turn(): void {
  const count = rxBurst(0, batch, tables.MAX_BURST);
  for (let i = 0; i < count; i++) {
    const at = words[(batch + i * tables.BATCH_ENTRY) >>> 2]! >>> 2;
    sum = (sum + words[at]! + words[at + 1]!) | 0;
  }
  rxRelease(0, batch, count);
  packets += count;
}

function turnFor(ns: number): number {
  const begin = nowNs();
  for (;;) {
    for (let i = 0; i < TURNS_A_LOOK; i++) turn();
    const took = nowNs() - begin;
    if (took >= ns) return took;
  }
}

await tell({ ready: true });
turnFor(warmupSeconds * 1e9);
packets = 0;
const ns = turnFor(seconds * 1e9);
await tell({ packets, ns, sum });
device.close();
process.disconnect();
