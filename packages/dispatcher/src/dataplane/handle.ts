import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { DeviceInfo, DeviceStats, RuleCoverage } from '@nicshare/driver';
import { createWakePair, fromPlainError, NicshareError, wake } from '@nicshare/shm';
import { libc } from '@nicshare/shm/sys';
import { EventEmitter } from 'eventemitter3';
import type {
  Command,
  DataplaneSettings,
  Report,
  SessionPlacement,
  SharedRegion,
  TapPlacement,
} from './messages.js';

import type { WorkerStart } from './worker.js';

interface HandleEvents {
  /** A client broke a rule of its rings; no step touches its session any more. */
  violation: [slot: number, violation: number];
  /** A line for the operator. */
  note: [line: string];
  /** The device died, or we did; the thread has ended. */
  failed: [error: NicshareError];
}

/** What is known of the device once it is open. */
export interface OpenDevice {
  readonly info: DeviceInfo;
  readonly coverage: RuleCoverage;
  readonly wire: unknown;
  /** The kernel's interface that gets what no queue takes, where one was made for that. */
  readonly exceptionInterface: string | undefined;
  /** Whether it tells when packets came. */
  readonly rxTimes: boolean;
  /** Their descriptors are the Conductor's. */
  readonly sharedRegions: readonly SharedRegion[];
}

type Settings = Omit<DataplaneSettings, 'controlFd' | 'commandCount'>;

class Waiting<K, V> {
  readonly #resolvers = new Map<K, (value: V) => void>();

  add(key: K): Promise<V> {
    return new Promise((resolve) => {
      this.#resolvers.set(key, resolve);
    });
  }

  settle(key: K, value: V): void {
    this.#resolvers.get(key)?.(value);
    this.#resolvers.delete(key);
  }

  settleAll(value: V): void {
    for (const key of [...this.#resolvers.keys()]) this.settle(key, value);
  }
}

const NO_STATS: DeviceStats = { rxDropped: {}, txDropped: {} };

/** The Conductor's hold on the dataplane thread: commands go down, reports come up. */
export class DataplaneHandle extends EventEmitter<HandleEvents> {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #commandCount: Int32Array;
  readonly #control: { own: number; peer: number };
  readonly #attaching = new Waiting<number, void>();
  readonly #detaching = new Waiting<number, number>();
  readonly #stopping = new Waiting<number, boolean>();
  readonly #counting = new Waiting<number, DeviceStats>();
  readonly #ended: Promise<void>;
  #running = true;
  #nextId = 0;

  private constructor(settings: Settings) {
    super();
    this.#control = createWakePair();
    this.#commandCount = new Int32Array(new SharedArrayBuffer(4));
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const start: WorkerStart = {
      settings: { ...settings, controlFd: this.#control.peer, commandCount: this.#commandCount },
      port: port2,
    };
    this.#worker = new Worker(new URL('./worker.js', import.meta.url), {
      workerData: start,
      transferList: [port2],
    });
    this.#ended = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#takeLast();
        this.#end();
        resolve();
      });
    });
    this.#worker.on('error', (cause) => this.#fail(cause));
  }

  /** Opens the device in a thread of its own. Throws what the device says. */
  static async start(
    settings: Settings,
    onNote: (line: string) => void,
  ): Promise<{ handle: DataplaneHandle; device: OpenDevice }> {
    const handle = new DataplaneHandle(settings);
    handle.on('note', onNote);
    const device = await new Promise<OpenDevice>((resolve, reject) => {
      handle.once('failed', reject);
      handle.#port.on('message', (report: Report) => {
        if (report.type === 'ready') resolve(report);
        else handle.#take(report);
      });
    });
    handle.removeAllListeners('failed');
    return { handle, device };
  }

  attach(session: SessionPlacement): Promise<void> {
    const done = this.#attaching.add(session.slot);
    this.#send({ type: 'attach', session });
    return done;
  }

  /** A tap ends by `detach`, as a session does. */
  tap(session: TapPlacement): Promise<void> {
    const done = this.#attaching.add(session.slot);
    this.#send({ type: 'tap', session });
    return done;
  }

  /** Resolves when no step touches the session any more, with what its ledger is off by. */
  detach(slot: number): Promise<number> {
    if (!this.#running) return Promise.resolve(0);
    const done = this.#detaching.add(slot);
    this.#send({ type: 'detach', slot });
    return done;
  }

  stats(): Promise<DeviceStats> {
    if (!this.#running) return Promise.resolve(NO_STATS);
    const id = this.#nextId++;
    const done = this.#counting.add(id);
    this.#send({ type: 'stats', id });
    return done;
  }

  /** Lets no more packets come; resolves to false where the device cannot be stopped. */
  stopReceiving(): Promise<boolean> {
    if (!this.#running) return Promise.resolve(true);
    const id = this.#nextId++;
    const done = this.#stopping.add(id);
    this.#send({ type: 'stopReceiving', id });
    return done;
  }

  /** Closes the device and ends the thread. */
  async stop(): Promise<void> {
    if (this.#running) this.#send({ type: 'stop' });
    await this.#ended;
  }

  #send(command: Command): void {
    this.#port.postMessage(command);
    Atomics.add(this.#commandCount, 0, 1);
    wake(this.#control.own);
  }

  #take(report: Report): void {
    switch (report.type) {
      case 'attached':
        return this.#attaching.settle(report.slot, undefined);
      case 'detached':
        return this.#detaching.settle(report.slot, report.ledger);
      case 'stats':
        return this.#counting.settle(report.id, report.device);
      case 'receivingStopped':
        return this.#stopping.settle(report.id, report.stopped);
      case 'violation':
        this.emit('violation', report.slot, report.violation);
        return;
      case 'note':
        this.emit('note', report.line);
        return;
      case 'failed':
        this.#running = false;
        this.#settleAll();
        this.emit('failed', fromPlainError(report.error));
        return;
      case 'ready':
      case 'stopped':
        return;
    }
  }

  /** The end of the thread may be known before what it said last, why it ended, has been taken. */
  #takeLast(): void {
    for (let last = receiveMessageOnPort(this.#port); last; last = receiveMessageOnPort(this.#port))
      this.#take(last.message as Report);
  }

  #fail(cause: unknown): void {
    const what = cause instanceof Error ? cause.message : String(cause);
    this.emit(
      'failed',
      new NicshareError('DeviceFailed', `The dataplane thread ended: ${what}`, '', { cause }),
    );
  }

  #end(): void {
    this.#running = false;
    this.#settleAll();
    this.#port.close();
    libc.close(this.#control.own);
    libc.close(this.#control.peer);
  }

  #settleAll(): void {
    this.#attaching.settleAll(undefined);
    this.#detaching.settleAll(0);
    this.#stopping.settleAll(true);
    this.#counting.settleAll(NO_STATS);
  }
}
