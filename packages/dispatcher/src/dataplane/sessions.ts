import type { DeviceInfo } from '@nicshare/driver';
import type { SessionPlacement } from './messages.js';
import { queueRecord } from './rule-table.js';
import { sessionRecord, writeSession } from './session-table.js';
import * as T from './tables.js';

/** An attached session, in the thread that serves it. */
export interface ActiveSession {
  readonly slot: number;
  readonly queue: number;
  readonly record: number;
  readonly wakeFd: number;
  readonly dispatcherRegion: number;
  /** When it was last woken, in milliseconds of performance.now(). */
  lastWakeup: number;
  /** Doorbells without work since the guard's window began. */
  idleDoorbells: number;
  /** Its wakeup descriptor is not listened to: it was closed, or rang too often for nothing. */
  muted: 'no' | 'for now' | 'for good';
  reported: boolean;
}

/** The dataplane's list of attached sessions, in step with the tables that the steps read. */
export class ActiveSessions {
  readonly list: ActiveSession[] = [];
  readonly #memory: WebAssembly.Memory;
  readonly #cells: Uint32Array;
  readonly #device: DeviceInfo;

  constructor(memory: WebAssembly.Memory, device: DeviceInfo) {
    this.#memory = memory;
    this.#cells = new Uint32Array(memory.buffer);
    this.#device = device;
  }

  attach(placement: SessionPlacement): void {
    const record = writeSession(this.#memory, placement, this.#device);
    const { slot, queue, wakeFd, dispatcherRegion } = placement;
    this.list.push({
      slot,
      queue,
      record,
      wakeFd,
      dispatcherRegion,
      lastWakeup: 0,
      idleDoorbells: 0,
      muted: 'no',
      reported: false,
    });
    this.#writeActive();
    this.#cells[(queueRecord(queue) + T.QUEUE_SESSION) >> 2] = record;
  }

  /** From the return on no step touches the session's memory. Returns its record, or undefined where it is unknown. */
  detach(slot: number): number | undefined {
    const index = this.list.findIndex((session) => session.slot === slot);
    if (index < 0) return undefined;
    const [session] = this.list.splice(index, 1);
    const queueCell = (queueRecord(session!.queue) + T.QUEUE_SESSION) >> 2;
    if (this.#cells[queueCell] === session!.record) this.#cells[queueCell] = 0;
    this.#writeActive();
    return sessionRecord(slot);
  }

  #writeActive(): void {
    this.list.forEach((session, index) => {
      this.#cells[(T.ACTIVE >> 2) + index] = session.record;
    });
    this.#cells[(T.PLANE + T.PLANE_ACTIVE_COUNT) >> 2] = this.list.length;
    const shared = this.list.filter(({ record }) => this.#cells[(record + T.SESSION_WINDOW) >> 2] !== 0);
    this.#cells[(T.PLANE + T.PLANE_SHARED_COUNT) >> 2] = shared.length;
  }
}
