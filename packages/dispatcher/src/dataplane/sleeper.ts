import type { Device } from '@nicshare/driver';
import { drainWakeups, layout } from '@nicshare/shm';
import { GONE, PollSet, READABLE } from '@nicshare/shm/sys';
import type { ExceptionPath } from './exception-path.js';
import type { Plane } from './plane.js';
import type { ActiveSession } from './sessions.js';
import { PENDING_DEVICE_FULL, PENDING_NONE, PENDING_READY } from './tables.js';
import type { Waker } from './waker.js';

/** Doorbells without work that a client may ring in one window before nobody listens to it for the rest of it. */
const IDLE_DOORBELLS = 50;
const WINDOW_MS = 10;
/** How long to sleep where packets wait for room in the device, which wakes nobody when it has some again. */
const DEVICE_FULL_MS = 1;
/** The time of a tap's wakeup that may not be sent yet comes within this. */
const TAP_WAKEUP_MS = 1;
/** An interface that was deleted wakes nobody: its device finds out at the next turn. */
const LONGEST_MS = 1000;
/** Where the kernel's descriptors begin in both sets: behind the Conductor's. */
const KERNEL = 1;

/**
 * Sleeps in poll(2) until there is work. All who could bring work are told first, then every place is looked at once
 * more: work that came in between keeps us awake, later work rings one of the descriptors.
 *
 * While a client waits for a wakeup that may not be sent yet, the device is left alone for that long: its packets
 * gather in its rings and are served together. That is what interrupt moderation is to a NIC.
 */
export class Sleeper {
  readonly #device: Device;
  readonly #plane: Plane;
  readonly #waker: Waker;
  readonly #tapWaker: Waker;
  readonly #controlFd: number;
  readonly #exception: ExceptionPath | undefined;
  #sessions: readonly ActiveSession[] = [];
  #pollSet!: PollSet;
  /** All but the device. */
  #napSet!: PollSet;
  /** Where the sessions' descriptors begin in the two sets. */
  #firstSession = 0;
  #firstNapSession = 0;
  #epoch = 0;
  #windowEnd = 0;

  constructor(
    device: Device,
    plane: Plane,
    waker: Waker,
    tapWaker: Waker,
    controlFd: number,
    exception: ExceptionPath | undefined,
  ) {
    this.#device = device;
    this.#plane = plane;
    this.#waker = waker;
    this.#tapWaker = tapWaker;
    this.#controlFd = controlFd;
    this.#exception = exception;
    this.watch([]);
  }

  /** To be called whenever the list of sessions has changed. */
  watch(sessions: readonly ActiveSession[]): void {
    this.#sessions = sessions;
    const wakeFds = sessions.map((session) => session.wakeFd);
    const always = [this.#controlFd, ...(this.#exception?.descriptors ?? [])];
    const before = [...always, ...this.#device.waitDescriptors];
    this.#firstSession = before.length;
    this.#firstNapSession = always.length;
    this.#pollSet = new PollSet([...before, ...wakeFds]);
    this.#napSet = new PollSet([...always, ...wakeFds]);
    sessions.forEach((session, index) => {
      this.#listen(index, session.muted === 'no');
    });
  }

  /** `mayNotSleep` is asked last, after everybody was told. */
  sleep(mayNotSleep: () => boolean): void {
    this.#epoch = (this.#epoch + 1) >>> 0 || 1;
    this.#plane.announceSleep(this.#epoch);
    const kernelWaits = this.#exception !== undefined && this.#listenToKernel(this.#exception);
    if (this.#waker.due) this.#nap(mayNotSleep);
    else this.#sleepUntilWork(mayNotSleep, kernelWaits);
    this.#plane.announceSleep(0);
  }

  #nap(mayNotSleep: () => boolean): void {
    if (this.#plane.pendingTransmit() === PENDING_READY || mayNotSleep()) return;
    if (this.#napSet.waitMicroseconds(this.#waker.interval) > 0)
      this.#answerDoorbells(this.#napSet, this.#firstNapSession);
  }

  /** The kernel's packets need no doorbell: poll(2) sees them wait. Returns whether some have to, for room in the device. */
  #listenToKernel(exception: ExceptionPath): boolean {
    let waits = false;
    for (let queue = 0; queue < exception.descriptors.length; queue++) {
      const stall = exception.stall(queue);
      this.#pollSet.mute(KERNEL + queue, stall !== 'no');
      this.#napSet.mute(KERNEL + queue, stall !== 'no');
      waits ||= stall === 'device full';
    }
    return waits;
  }

  #sleepUntilWork(mayNotSleep: () => boolean, kernelWaits: boolean): void {
    const deviceQuiet = this.#device.prepareSleep();
    const pending = this.#plane.pendingTransmit();
    const sleeps = deviceQuiet && pending !== PENDING_READY && !mayNotSleep();
    if (sleeps) this.#pollSet.wait(this.#timeout(pending, kernelWaits));
    this.#device.endSleep();
    if (sleeps) this.#answerDoorbells(this.#pollSet, this.#firstSession);
  }

  #timeout(pending: number, kernelWaits: boolean): number {
    if (pending === PENDING_DEVICE_FULL || kernelWaits) return DEVICE_FULL_MS;
    if (this.#tapWaker.due) return TAP_WAKEUP_MS;
    return this.#sessions.some((session) => session.muted === 'for now') ? WINDOW_MS : LONGEST_MS;
  }

  #answerDoorbells(pollSet: PollSet, firstSession: number): void {
    if (pollSet.events(0) & READABLE) drainWakeups(this.#controlFd);
    const now = performance.now();
    if (now >= this.#windowEnd) this.#beginWindow(now);
    this.#sessions.forEach((session, index) => {
      const events = pollSet.events(firstSession + index);
      if (events !== 0 && session.muted === 'no') this.#answer(session, index, events);
    });
  }

  #answer(session: ActiveSession, index: number, events: number): void {
    const rung = drainWakeups(session.wakeFd);
    if (rung > 0) this.#waker.count(session, layout.COUNTER_DOORBELLS, rung);
    if (rung < 0 || (events & GONE && !(events & READABLE))) session.muted = 'for good';
    else if (this.#plane.pendingTransmit() === PENDING_NONE && ++session.idleDoorbells > IDLE_DOORBELLS)
      session.muted = 'for now';
    if (session.muted !== 'no') this.#listen(index, false);
  }

  #beginWindow(now: number): void {
    this.#windowEnd = now + WINDOW_MS;
    this.#sessions.forEach((session, index) => {
      session.idleDoorbells = 0;
      if (session.muted !== 'for now') return;
      session.muted = 'no';
      this.#listen(index, true);
    });
  }

  #listen(session: number, listens: boolean): void {
    this.#pollSet.mute(this.#firstSession + session, !listens);
    this.#napSet.mute(this.#firstNapSession + session, !listens);
  }
}
