/* A fake device and its wire, and a hand that drives the fast path. */
import { Arena, type Clock } from '@nicshare/shm';
import type { DeviceContext } from '../device.js';
import { BATCH_ENTRY, BATCH_LENGTH, MAX_BURST } from '../tables.js';
import { type FakeDevice, type FakeOptions, openFake } from './device.js';
import { FakeWire } from './wire.js';

export const RING_SIZE = 64;

export function context(): DeviceContext {
  const arena = Arena.create(16 << 20, { shared: true });
  return { arena, frameSize: 2048, ringSize: RING_SIZE, hugepages: 'never', rxTimes: true, note: () => {} };
}

export interface Plugged {
  readonly device: FakeDevice;
  readonly wire: FakeWire;
  readonly arena: Arena;
  readonly batch: number;
  readonly words: Uint32Array;
  /** First bytes of the packets of one burst, whose frames are given back. */
  take(ring?: number): number[];
  /** Sends a packet of one byte's value; returns whether a frame was free. */
  send(value: number): boolean;
}

export function plugged(
  options: Omit<FakeOptions, 'driver'> = {},
  { spareFrames = 0, clock }: { spareFrames?: number; clock?: Clock } = {},
): Plugged {
  const on = { ...context(), spareFrames };
  const device = openFake({ driver: 'fake', ...options }, on);
  const wire = new FakeWire(on.arena.memory, device.wire, { clock });
  const batch = on.arena.allocate(MAX_BURST * BATCH_ENTRY);
  const words = new Uint32Array(on.arena.memory.buffer);
  const bytes = new Uint8Array(on.arena.memory.buffer);
  const { fastPath } = device;
  const frame = (index: number): number => words[(batch + index * BATCH_ENTRY) / 4]!;
  return {
    device,
    wire,
    arena: on.arena,
    batch,
    words,
    take: (ring = 0) => {
      const count = fastPath.rxBurst(ring, batch, MAX_BURST);
      const taken = Array.from({ length: count }, (_, index) => bytes[frame(index)]!);
      fastPath.rxRelease(ring, batch, count);
      return taken;
    },
    send: (value) => {
      if (fastPath.txReserve(0, batch, 1) === 0) return false;
      bytes.fill(value, frame(0), frame(0) + 60);
      words[(batch + BATCH_LENGTH) / 4] = 60;
      fastPath.txBurst(0, batch, 1);
      return true;
    },
  };
}

export const numbered = (number: number): Uint8Array => new Uint8Array(60).fill(number);
