import { type Clock, monotonicClock, NicshareError, wake } from '@nicshare/shm';
import { check, libc } from '@nicshare/shm/sys';
import { firstMatch } from '../classification/match.js';
import { receiveHash } from '../classification/receive-hash.js';
import {
  COUNTER_LINK_DOWN,
  COUNTER_UNMATCHED,
  COUNTER_WRONG_LENGTH,
  DEAD,
  type FakeWireDescription,
  linkCell,
  OPEN,
  rulesCell,
  sleepingCell,
  stateCell,
  UNPLUGGED,
} from './layout.js';
import { RuleReader } from './rule-memory.js';
import { Timeline } from './timeline.js';
import { type Lie, WireQueue } from './wire-queue.js';

/** Packets for the kernel that are kept until they are looked at; later ones replace the first. */
const MOST_PASSED = 4096;

export interface FakeWireOptions {
  /** When packets come, and what `at` goes by. The default is CLOCK_MONOTONIC. */
  readonly clock?: Clock | undefined;
}

/**
 * What a fake device is plugged into: the other end of all its rings, and what a card does in hardware. It carries the
 * device's rules out, spreads packets over the rings, and fails in whatever way a test asks for. It works on the memory
 * alone, so it may be used from any thread of the device's process; one wire a device. Close it before the device.
 */
export class FakeWire {
  readonly #cells: Int32Array;
  readonly #description: FakeWireDescription;
  readonly #queues: readonly WireQueue[];
  readonly #rules: RuleReader;
  readonly #timeline: Timeline;
  readonly #passed: Uint8Array[] = [];
  /** A descriptor of its own: the device may close first. */
  readonly #wakeFd: number;
  #full = false;
  #closed = false;

  constructor(
    memory: WebAssembly.Memory,
    description: FakeWireDescription,
    { clock = monotonicClock() }: FakeWireOptions = {},
  ) {
    this.#cells = new Int32Array(memory.buffer);
    this.#description = description;
    this.#wakeFd = check(libc.dup(description.wakeDescriptor), 'dup');
    this.#queues = Array.from(
      { length: description.rings },
      (_, ring) => new WireQueue(memory, description, ring, clock),
    );
    this.#rules = new RuleReader(memory, rulesCell(description));
    this.#timeline = new Timeline(clock);
  }

  /**
   * A packet arrives, and wakes the device's thread where that asked for it. The device's rules say whether it is
   * handed over, its steering at which hardware ring, unless `ring` does. False: it was lost, for want of room, by its
   * length or by the rules, or because the link is down, and the device has counted it; or the device is closed.
   */
  inject(packet: Uint8Array, ring?: number): boolean {
    const named = ring === undefined ? this.#queues[0]! : this.#queue(ring);
    if (!this.#open) return false;
    if (this.#linkDown) return this.#lost(named, COUNTER_LINK_DOWN);
    if (packet.length === 0 || packet.length > this.#description.frameSize)
      return this.#lost(named, COUNTER_WRONG_LENGTH);
    const { rules } = this.#rules;
    const rule = rules ? firstMatch(rules.matches, packet) : 0;
    if (rule < 0 && rules!.unmatched === 'pass') return this.#pass(packet);
    if (rule < 0 && rules!.unmatched === 'drop') return this.#lost(named, COUNTER_UNMATCHED);
    const queue = ring === undefined ? this.#queues[this.#steer(packet, Math.max(rule, 0))]! : named;
    return queue.inject(packet, this.#full) && this.#wake();
  }

  #queue(ring: number): WireQueue {
    const queue = this.#queues[ring];
    if (queue !== undefined) return queue;
    throw new NicshareError(
      'InvalidArgument',
      `The fake device has no ring ${ring}.`,
      'Open it with more rings.',
    );
  }

  #steer(packet: Uint8Array, rule: number): number {
    const { rings, steering } = this.#description;
    if (rings === 1) return 0;
    return (steering === 'rules' ? rule : receiveHash(packet)) % rings;
  }

  #lost(queue: WireQueue, counter: number): false {
    queue.count(counter);
    return false;
  }

  #pass(packet: Uint8Array): true {
    if (this.#passed.length === MOST_PASSED) this.#passed.shift();
    this.#passed.push(new Uint8Array(packet));
    return true;
  }

  #wake(): true {
    if (Atomics.exchange(this.#cells, sleepingCell(this.#description), 0) === 1) wake(this.#wakeFd);
    return true;
  }

  /** Copies of at most `max` packets that were sent, in order, one TxQueue after the other. */
  capture(max = Number.POSITIVE_INFINITY): Uint8Array[] {
    const packets: Uint8Array[] = [];
    if (!this.#open) return packets;
    for (const queue of this.#queues) queue.capture(max - packets.length, packets);
    return packets;
  }

  /** Takes the packets that the rules left to the kernel, in order; no more than the last 4096 are kept. */
  passed(): Uint8Array[] {
    return this.#passed.splice(0);
  }

  /** While it is down, packets are lost in both directions, and counted. */
  setLink(state: 'up' | 'down'): void {
    if (this.#open) Atomics.store(this.#cells, linkCell(this.#description), state === 'down' ? 1 : 0);
  }

  get #linkDown(): boolean {
    return Atomics.load(this.#cells, linkCell(this.#description)) !== 0;
  }

  /** While it is set, packets are lost as if the rings had no room. */
  setFull(full: boolean): void {
    this.#full = full;
  }

  /** The device says something that is not true. False: there is no room for it, or the device is closed. */
  lie(lie: Lie, ring = 0): boolean {
    const queue = this.#queue(ring);
    return this.#open && queue.lie(lie) && this.#wake();
  }

  /** The device dies: it fails (`DeviceFailed`), or is unplugged (`InterfaceLost`). */
  die(how: 'DeviceFailed' | 'InterfaceLost'): void {
    const state = how === 'DeviceFailed' ? DEAD : UNPLUGGED;
    const cell = stateCell(this.#description);
    if (!this.#closed && Atomics.compareExchange(this.#cells, cell, OPEN, state) === OPEN) this.#wake();
  }

  /** Plans something (a packet, the link, a fault) for a time of the clock, in nanoseconds; `advance` lets it happen. */
  at(time: number, happen: (wire: FakeWire) => void): void {
    this.#timeline.at(time, () => happen(this));
  }

  /** Lets all happen that is due, in the order of time; returns when the next is, undefined where nothing is left. */
  advance(): number | undefined {
    return this.#timeline.advance();
  }

  get #open(): boolean {
    return !this.#closed && Atomics.load(this.#cells, stateCell(this.#description)) === OPEN;
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    libc.close(this.#wakeFd);
  }
}
