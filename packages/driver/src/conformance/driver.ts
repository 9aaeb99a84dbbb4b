import { setTimeout as delay } from 'node:timers/promises';
import type { Device } from '../device.js';
import { BATCH_ENTRY, BATCH_LENGTH, BATCH_OFFSET, MAX_BURST } from '../tables.js';
import type { Bench } from './bench.js';

/** Turns of 2 ms without a packet after which none is waited for any more. */
const PATIENCE = 500;

/** A packet as the dataplane sees it, copied. */
export interface Received {
  readonly queue: number;
  readonly bytes: Buffer;
}

/** Drives a device's fast path by hand, as the dataplane does. */
export class Driver {
  readonly device: Device;
  readonly batch: number;
  readonly #view: DataView;
  readonly #bytes: Buffer;

  constructor({ device, arena }: Bench) {
    this.device = device;
    this.batch = arena.allocate(MAX_BURST * BATCH_ENTRY);
    this.#view = new DataView(arena.memory.buffer);
    this.#bytes = Buffer.from(arena.memory.buffer);
  }

  entryOffset(index: number): number {
    return this.#view.getUint32(this.batch + index * BATCH_ENTRY + BATCH_OFFSET, true);
  }

  #entryLength(index: number): number {
    return this.#view.getUint32(this.batch + index * BATCH_ENTRY + BATCH_LENGTH, true);
  }

  /** One burst of each RxQueue; the frames are given back unless `hold` takes their offsets. */
  takeAvailable(hold?: Map<number, number[]>): Received[] {
    const { fastPath, info } = this.device;
    const received: Received[] = [];
    for (let queue = 0; queue < info.rxQueues; queue++) {
      const count = fastPath.rxBurst(queue, this.batch, MAX_BURST);
      for (let i = 0; i < count; i++) {
        const offset = this.entryOffset(i);
        received.push({
          queue,
          bytes: Buffer.from(this.#bytes.subarray(offset, offset + this.#entryLength(i))),
        });
        hold?.set(queue, [...(hold.get(queue) ?? []), offset]);
      }
      if (hold === undefined && count > 0) fastPath.rxRelease(queue, this.batch, count);
    }
    this.device.maintain();
    return received;
  }

  /** Takes packets until there are `count`, or none has come for a while. */
  async take(count: number): Promise<Received[]> {
    const received: Received[] = [];
    for (let idle = 0; received.length < count && idle < PATIENCE; idle++) {
      const more = this.takeAvailable();
      if (more.length > 0) idle = 0;
      else await delay(2);
      received.push(...more);
    }
    return received;
  }

  release(queue: number, offsets: readonly number[]): void {
    for (let first = 0; first < offsets.length; first += MAX_BURST) {
      const burst = offsets.slice(first, first + MAX_BURST);
      burst.forEach((offset, index) => {
        this.#view.setUint32(this.batch + index * BATCH_ENTRY + BATCH_OFFSET, offset, true);
      });
      this.device.fastPath.rxRelease(queue, this.batch, burst.length);
    }
  }

  /** Reserves frames and sends as many of the packets in them as one burst takes; returns how many. */
  send(queue: number, sent: readonly Uint8Array[], reserve = sent.length): number {
    const { fastPath } = this.device;
    const reserved = fastPath.txReserve(queue, this.batch, Math.min(reserve, MAX_BURST));
    const count = Math.min(reserved, sent.length);
    for (let i = 0; i < count; i++) {
      this.#bytes.set(sent[i]!, this.entryOffset(i));
      this.#view.setUint32(this.batch + i * BATCH_ENTRY + BATCH_LENGTH, sent[i]!.length, true);
    }
    if (count > 0) fastPath.txBurst(queue, this.batch, count);
    return count;
  }
}

/** What has come outside, as soon as there are `count` or nothing has come for a while. */
export async function arrivals({ device, outside }: Bench, count: number): Promise<Buffer[]> {
  const arrived: Buffer[] = [];
  for (let idle = 0; arrived.length < count && idle < PATIENCE; idle++) {
    device.maintain();
    const more = outside.receive();
    if (more.length > 0) idle = 0;
    else await delay(2);
    arrived.push(...more.map((bytes) => Buffer.from(bytes)));
  }
  return arrived;
}

/** Sends all, a burst at a time as there is room, and returns what has come outside. */
export async function sendAll(
  bench: Bench,
  driver: Driver,
  queue: number,
  sent: readonly Buffer[],
): Promise<Buffer[]> {
  const arrived: Buffer[] = [];
  for (let next = 0; next < sent.length; ) {
    const count = driver.send(queue, sent.slice(next, next + MAX_BURST));
    const more = await arrivals(bench, count);
    if (count + more.length === 0) break;
    next += count;
    arrived.push(...more);
  }
  return arrived;
}

/** Sends in handfuls that no queue on the way is too short for, taking what comes. */
export async function passThrough(
  bench: Bench,
  driver: Driver,
  sent: readonly Buffer[],
): Promise<Received[]> {
  const received: Received[] = [];
  for (let first = 0; first < sent.length; first += 32) {
    const handful = sent.slice(first, first + 32);
    for (const bytes of handful) bench.outside.send(bytes);
    received.push(...(await driver.take(handful.length)));
  }
  return received;
}
