import type { Device } from '@nicshare/driver';
import { drainWakeups, layout } from '@nicshare/shm';
import { GONE, PollSet, READABLE } from '@nicshare/shm/sys';
import type { Plane } from './plane.js';
import type { ActiveSession } from './sessions.js';
import { PENDING_DEVICE_FULL, PENDING_NONE, PENDING_READY } from './tables.js';
import type { Waker } from './waker.js';

/** Doorbells without work that a client may ring in one window before nobody listens to it for the rest of it. */
const IDLE_DOORBELLS = 50;
const WINDOW_MS = 10;
/** How long to sleep where packets wait for room in the device, which wakes nobody when it has some again. */
const DEVICE_FULL_MS = 1;
/** An interface that was deleted wakes nobody: its device finds out at the next turn. */
const LONGEST_MS = 1000;

/**
 * Sleeps in poll(2) until there is work. All who could bring work are told first, then every place is looked at once
 * more: work that came in between keeps us awake, later work rings one of the descriptors.
 */
export class Sleeper {
  readonly #device: Device;
  readonly #plane: Plane;
  readonly #waker: Waker;
  readonly #controlFd: number;
  #sessions: readonly ActiveSession[] = [];
  #pollSet!: PollSet;
  #firstSession = 0;
  #epoch = 0;
  #windowEnd = 0;

  constructor(device: Device, plane: Plane, waker: Waker, controlFd: number) {
    this.#device = device;
    this.#plane = plane;
    this.#waker = waker;
    this.#controlFd = controlFd;
    this.watch([]);
  }

  /** To be called whenever the list of sessions has changed. */
  watch(sessions: readonly ActiveSession[]): void {
    this.#sessions = sessions;
    const before = [this.#controlFd, ...this.#device.waitDescriptors];
    this.#firstSession = before.length;
    this.#pollSet = new PollSet([...before, ...sessions.map((session) => session.wakeFd)]);
    sessions.forEach((session, index) => {
      if (session.muted !== 'no') this.#pollSet.mute(this.#firstSession + index, true);
    });
  }

  /** `mayNotSleep` is asked last, after everybody was told. */
  sleep(mayNotSleep: () => boolean): void {
    this.#epoch = (this.#epoch + 1) >>> 0 || 1;
    this.#plane.announceSleep(this.#epoch);
    const deviceQuiet = this.#device.prepareSleep();
    const pending = this.#plane.pendingTransmit();
    const sleeps = deviceQuiet && pending !== PENDING_READY && !mayNotSleep();
    if (sleeps) this.#pollSet.wait(this.#timeout(pending));
    this.#plane.announceSleep(0);
    this.#device.endSleep();
    if (sleeps) this.#answerDoorbells();
  }

  #timeout(pending: number): number {
    if (pending === PENDING_DEVICE_FULL) return DEVICE_FULL_MS;
    return this.#sessions.some((session) => session.muted === 'for now') ? WINDOW_MS : LONGEST_MS;
  }

  #answerDoorbells(): void {
    if (this.#pollSet.events(0) & READABLE) drainWakeups(this.#controlFd);
    const now = performance.now();
    if (now >= this.#windowEnd) this.#beginWindow(now);
    this.#sessions.forEach((session, index) => {
      const events = this.#pollSet.events(this.#firstSession + index);
      if (events !== 0 && session.muted === 'no') this.#answer(session, this.#firstSession + index, events);
    });
  }

  #answer(session: ActiveSession, index: number, events: number): void {
    const rung = drainWakeups(session.wakeFd);
    if (rung > 0) this.#waker.count(session, layout.COUNTER_DOORBELLS, rung);
    if (rung < 0 || (events & GONE && !(events & READABLE))) this.#mute(session, index, 'for good');
    else if (this.#plane.pendingTransmit() === PENDING_NONE && ++session.idleDoorbells > IDLE_DOORBELLS)
      this.#mute(session, index, 'for now');
  }

  #mute(session: ActiveSession, index: number, how: 'for now' | 'for good'): void {
    session.muted = how;
    this.#pollSet.mute(index, true);
  }

  #beginWindow(now: number): void {
    this.#windowEnd = now + WINDOW_MS;
    this.#sessions.forEach((session, index) => {
      session.idleDoorbells = 0;
      if (session.muted !== 'for now') return;
      session.muted = 'no';
      this.#pollSet.mute(this.#firstSession + index, false);
    });
  }
}
