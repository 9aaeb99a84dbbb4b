import type { DeviceInfo } from '@nicshare/driver';
import type { TapPlacement } from './messages.js';
import { queueRecord } from './rule-table.js';
import { sessionRecord, writeSession } from './session-table.js';
import type { ActiveSession } from './sessions.js';
import * as T from './tables.js';
import { Waker } from './waker.js';

/** Nobody watches packets faster; each wakeup takes the dataplane a system call. */
const WAKEUP_INTERVAL_US = 1000;

/** The dataplane's list of packet taps, in step with the tables that the steps read. */
export class ActiveTaps {
  readonly list: ActiveSession[] = [];
  readonly waker: Waker;
  readonly #memory: WebAssembly.Memory;
  readonly #cells: Uint32Array;
  readonly #device: DeviceInfo;

  constructor(memory: WebAssembly.Memory, device: DeviceInfo) {
    this.#memory = memory;
    this.#cells = new Uint32Array(memory.buffer);
    this.#device = device;
    this.waker = new Waker(memory, WAKEUP_INTERVAL_US, T.PLANE_TAP_WAKEUPS_DUE);
  }

  attach(placement: TapPlacement): void {
    const { index, queue, snaplen, filter, slot, wakeFd, dispatcherRegion } = placement;
    const record = writeSession(this.#memory, { ...placement, queue: 0 }, this.#device);
    const tap = T.TAPS + index * T.TAP_BYTES;
    const target = queue === null ? 0 : queueRecord(queue);
    this.#set(record + T.SESSION_QUEUE, tap);
    this.#set(tap + T.TAP_SNAPLEN, snaplen);
    this.#set(tap + T.TAP_TARGET, target);
    this.#set(tap + T.TAP_FILTER, filter.length / 2);
    this.#cells.set(filter, (T.FILTERS + index * T.FILTER_BYTES) >> 2);
    if (target !== 0) this.#set(target + T.QUEUE_TAP_SKIPPED, 0);
    this.#set(tap + T.TAP_SESSION, record);
    const watched = maskCell(target);
    this.#set(watched, this.#get(watched) | (1 << index));
    this.list.push({
      slot,
      queue: index,
      record,
      wakeFd,
      dispatcherRegion,
      lastWakeup: 0,
      idleDoorbells: 0,
      muted: 'for good',
      reported: false,
    });
    this.#set(T.PLANE + T.PLANE_TAPS, this.list.length);
  }

  /** From the return on no step touches the tap's memory. Returns its record, or undefined where it is unknown. */
  detach(slot: number): number | undefined {
    const at = this.list.findIndex((tap) => tap.slot === slot);
    if (at < 0) return undefined;
    const [{ queue: index }] = this.list.splice(at, 1) as [ActiveSession];
    const tap = T.TAPS + index * T.TAP_BYTES;
    const watched = maskCell(this.#get(tap + T.TAP_TARGET));
    this.#set(watched, this.#get(watched) & ~(1 << index));
    this.#set(tap + T.TAP_SESSION, 0);
    this.#set(tap + T.TAP_TARGET, 0);
    this.#set(T.PLANE + T.PLANE_TAPS, this.list.length);
    return sessionRecord(slot);
  }

  #get(offset: number): number {
    return this.#cells[offset >> 2]!;
  }

  #set(offset: number, value: number): void {
    this.#cells[offset >> 2] = value;
  }
}

/** Where the taps of a queue's record stand as bits; 0: those of the whole device. */
const maskCell = (queue: number): number =>
  queue === 0 ? T.PLANE + T.PLANE_DEVICE_TAPS : queue + T.QUEUE_TAPS;
