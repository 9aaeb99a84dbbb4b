import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { Device } from '@nicshare/driver';
import { IdleStrategy } from '@nicshare/shm';
import { DeviceStart } from './device-start.js';
import type { ExceptionPath } from './exception-path.js';
import type { Command, DataplaneSettings, Report } from './messages.js';
import { ActiveTaps } from './packet-taps.js';
import type { Plane } from './plane.js';
import { ActiveSessions } from './sessions.js';
import { Sleeper } from './sleeper.js';
import * as T from './tables.js';
import { Waker } from './waker.js';

/** The dataplane's thread: one turn after the other until it is told to stop. */
export class PollLoop {
  readonly #device: Device;
  readonly #plane: Plane;
  readonly #exception: ExceptionPath | undefined;
  readonly #port: MessagePort;
  readonly #commandCount: Int32Array;
  readonly #cells: Uint32Array;
  readonly #sessions: ActiveSessions;
  readonly #taps: ActiveTaps;
  readonly #waker: Waker;
  readonly #sleeper: Sleeper;
  readonly #idle: IdleStrategy;
  readonly #deviceStart: DeviceStart;
  #commandsSeen = 0;
  #stopped = false;

  constructor(
    device: Device,
    plane: Plane,
    exception: ExceptionPath | undefined,
    port: MessagePort,
    settings: DataplaneSettings,
  ) {
    this.#device = device;
    this.#plane = plane;
    this.#exception = exception;
    this.#port = port;
    this.#commandCount = settings.commandCount;
    this.#cells = new Uint32Array(settings.memory.buffer);
    this.#sessions = new ActiveSessions(settings.memory, device.info);
    this.#taps = new ActiveTaps(settings.memory, device.info);
    this.#waker = new Waker(settings.memory, settings.wakeupInterval);
    this.#sleeper = new Sleeper(device, plane, this.#waker, this.#taps.waker, settings.controlFd, exception);
    this.#idle = new IdleStrategy(settings.idle);
    this.#deviceStart = new DeviceStart(device, settings.startAt);
  }

  /** Returns when it was told to stop. Throws what the device throws when it dies. */
  run(): void {
    this.#deviceStart.look(this.#sessions.list);
    while (!this.#stopped) {
      let work = this.#plane.receive();
      work += this.#plane.reclaim();
      work += this.#plane.transmit();
      if (this.#exception) work += this.#plane.sendForKernel();
      work += this.#device.maintain();
      work += this.#waker.send(this.#sessions.list);
      work += this.#taps.waker.send(this.#taps.list);
      work += this.#reportViolations();
      work += this.#obeyCommands();
      if (this.#idle.idle(work)) {
        this.#sleeper.sleep(this.#commandWaits);
        this.#idle.reset();
      }
    }
  }

  #reportViolations(): number {
    const cell = (T.PLANE + T.PLANE_VIOLATIONS) >> 2;
    if (this.#cells[cell] === 0) return 0;
    this.#cells[cell] = 0;
    for (const session of [...this.#sessions.list, ...this.#taps.list]) {
      const violation = this.#cells[(session.record + T.SESSION_VIOLATION) >> 2]!;
      if (violation === 0 || session.reported) continue;
      session.reported = true;
      this.#report({ type: 'violation', slot: session.slot, violation });
    }
    return 1;
  }

  readonly #commandWaits = (): boolean => Atomics.load(this.#commandCount, 0) !== this.#commandsSeen;

  #obeyCommands(): number {
    if (!this.#commandWaits()) return 0;
    this.#commandsSeen = Atomics.load(this.#commandCount, 0);
    for (let next = receiveMessageOnPort(this.#port); next; next = receiveMessageOnPort(this.#port))
      this.#obey(next.message as Command);
    return 1;
  }

  #obey(command: Command): void {
    switch (command.type) {
      case 'attach':
        this.#sessions.attach(command.session);
        this.#sleeper.watch(this.#sessions.list);
        this.#deviceStart.look(this.#sessions.list);
        this.#report({ type: 'attached', slot: command.session.slot });
        break;
      case 'tap':
        this.#taps.attach(command.session);
        this.#report({ type: 'attached', slot: command.session.slot });
        break;
      case 'detach': {
        const record = this.#sessions.detach(command.slot) ?? this.#taps.detach(command.slot);
        this.#sleeper.watch(this.#sessions.list);
        const ledger = record === undefined ? 0 : this.#plane.audit(record);
        if (record !== undefined) this.#plane.takeAllBack(record);
        this.#report({ type: 'detached', slot: command.slot, ledger });
        break;
      }
      case 'stats':
        this.#report({ type: 'stats', id: command.id, device: this.#device.stats() });
        break;
      case 'stopReceiving': {
        const stopped = this.#device.stop !== undefined;
        this.#device.stop?.();
        this.#report({ type: 'receivingStopped', id: command.id, stopped });
        break;
      }
      case 'stop':
        this.#stopped = true;
        break;
    }
  }

  #report(report: Report): void {
    this.#port.postMessage(report);
  }
}
