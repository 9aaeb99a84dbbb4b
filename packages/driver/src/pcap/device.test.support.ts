/* A pcap device on captures that a test makes, and a clock that the test sets. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Arena, type Clock } from '@nicshare/shm';
import test from 'ava';
import { packet } from '../conformance/packets.js';
import type { Device, DeviceContext } from '../device.js';
import { BATCH_ENTRY, BATCH_LENGTH, BATCH_OFFSET, MAX_BURST } from '../tables.js';
import { readCapture } from './capture/read.js';
import type { Sample } from './capture/samples.test.support.js';
import { openPcap } from './device.js';
import type { PcapOptions } from './options.js';

export const RING_SIZE = 64;
export const FRAME_SIZE = 2048;
export const MS = 1_000_000;

export const directory = mkdtempSync(join(tmpdir(), 'nicshare-pcap-'));
test.after.always(() => rmSync(directory, { recursive: true, force: true }));

let files = 0;
export const fresh = (): string => join(directory, `${files++}.pcap`);

export function written(content: Uint8Array): string {
  const path = fresh();
  writeFileSync(path, content);
  return path;
}

/** UDP packets with numbers, a millisecond apart unless said otherwise. */
export const samples = (count: number, gap = MS): Sample[] =>
  Array.from({ length: count }, (_, i) => ({ bytes: packet(i), time: BigInt(1e18) + BigInt(i * gap) }));

export interface Opened {
  readonly device: Device;
  readonly arena: Arena;
  readonly notes: string[];
  /** Arena offset of the batch that bursts are taken into. */
  readonly batch: number;
  /** Nanoseconds; to be set by a test. */
  readonly clock: { now: number };
  /** Numbers of the packets of one burst. */
  take(max?: number): number[];
  /** Packets of one burst. */
  takeBytes(max?: number): Buffer[];
  /** Returns how many left. */
  send(packets: readonly Uint8Array[]): number;
}

/** One that is started. */
export function open(options: Omit<PcapOptions, 'driver'>, frameSize = FRAME_SIZE): Opened {
  const opened = openWaiting(options, frameSize);
  opened.device.start!();
  return opened;
}

export function openWaiting(options: Omit<PcapOptions, 'driver'>, frameSize = FRAME_SIZE): Opened {
  const arena = Arena.create(64 << 20, { shared: true });
  const notes: string[] = [];
  const clock = { now: 5e15 };
  const context: DeviceContext = {
    arena,
    frameSize,
    ringSize: RING_SIZE,
    hugepages: 'never',
    note: (line) => notes.push(line),
  };
  const ticking: Clock = () => clock.now;
  const device = openPcap({ driver: 'pcap', ...options }, context, ticking);
  const batch = arena.allocate(MAX_BURST * BATCH_ENTRY);
  const view = new DataView(arena.memory.buffer);
  const entry = (index: number, field: number): number =>
    view.getUint32(batch + index * BATCH_ENTRY + field, true);
  const takeBytes = (max = MAX_BURST): Buffer[] => {
    const count = device.fastPath.rxBurst(0, batch, max);
    device.fastPath.rxRelease(0, batch, count);
    return Array.from({ length: count }, (_, i) =>
      Buffer.from(Buffer.from(arena.memory.buffer, entry(i, BATCH_OFFSET), entry(i, BATCH_LENGTH))),
    );
  };
  return {
    device,
    arena,
    notes,
    batch,
    clock,
    takeBytes,
    take: (max) => takeBytes(max).map((bytes) => bytes.readUInt32BE(42)),
    send: (packets) => {
      const count = device.fastPath.txReserve(0, batch, packets.length);
      packets.slice(0, count).forEach((bytes, i) => {
        new Uint8Array(arena.memory.buffer).set(bytes, entry(i, BATCH_OFFSET));
        view.setUint32(batch + i * BATCH_ENTRY + BATCH_LENGTH, bytes.length, true);
      });
      device.fastPath.txBurst(0, batch, count);
      return count;
    },
  };
}

export const upTo = (count: number, first = 0): number[] =>
  Array.from({ length: count }, (_, i) => first + i);

export function recorded(path: string): Buffer[] {
  const packets: Buffer[] = [];
  const { damage } = readCapture(path, ({ bytes }) => packets.push(Buffer.from(bytes)));
  if (damage !== undefined) throw new Error(damage);
  return packets;
}
