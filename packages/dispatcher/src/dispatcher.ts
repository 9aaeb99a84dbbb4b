import {
  Arena,
  blameCaller,
  descriptorSocketPath,
  HUGEPAGE_HINT,
  isNicshareError,
  NicshareError,
  ownSocketPath,
  type Region,
} from '@nicshare/shm';
import { EventEmitter } from 'eventemitter3';
import type { ClientSession } from './conductor/client-session.js';
import { Conductor } from './conductor/conductor.js';
import { ControlServer } from './conductor/control-server.js';
import { DescriptorServer } from './conductor/descriptor-server.js';
import { tapShape } from './conductor/packet-taps.js';
import { dispatcherStopped } from './conductor/refusals.js';
import type { SocketAccess } from './conductor/socket-file.js';
import { groupId, STANDARD_GROUP } from './config/accounts.js';
import { orderedMatches } from './config/flow-match.js';
import { parseListenAddress } from './config/listen-address.js';
import { type DispatcherConfig, type DispatcherOptions, sampleInterval } from './config/schema.js';
import { sharingNote, spareFrames } from './config/sharing.js';
import { tapSettings } from './config/tap.js';
import { validateOptions } from './config/validate.js';
import { DataplaneHandle, type OpenDevice } from './dataplane/handle.js';
import { planMemory } from './memory-plan.js';
import { MetricsServer } from './metrics/server.js';
import { StackService } from './stack/service.js';
import { collectStats, type DispatcherStats } from './stats.js';

/** A client that came or went. */
export interface ClientInfo {
  readonly session: number;
  readonly queue: string;
  readonly pid: number;
  readonly uid: number;
  readonly trusted: boolean;
}

export interface DispatcherEvents {
  attached: [client: ClientInfo];
  /** `reason` is undefined where the client left by itself. */
  detached: [client: ClientInfo, reason: NicshareError | undefined];
  /** A line for the operator. */
  note: [line: string];
  /** The device died; the dispatcher has closed itself. */
  failed: [error: NicshareError];
}

const clientInfo = ({ id, queue, identity, trusted }: ClientSession): ClientInfo => ({
  session: id,
  queue: queue.config.name,
  pid: identity.pid,
  uid: identity.uid,
  trusted,
});

function socketAccess({ mode, group }: DispatcherConfig['socket']): SocketAccess {
  return { mode: Number.parseInt(mode, 8), group: group === undefined ? standardGroup() : groupId(group) };
}

/** The standard group may open the sockets where a machine has it. */
function standardGroup(): number | undefined {
  if (process.getuid?.() !== 0) return undefined;
  try {
    return groupId(STANDARD_GROUP);
  } catch (error) {
    if (isNicshareError(error, 'ConfigInvalid')) return undefined;
    throw error;
  }
}

/** How many queues must have a client before the device is started. */
function queuesToWaitFor({ device, queues }: DispatcherConfig): number {
  if (device.driver !== 'pcap' || device.start === 'immediately') return 0;
  return device.start === 'attached' ? queues.length : device.start;
}

/** The interface whose addresses, routes and neighbours are the device's, as the kernel sees it. */
const kernelInterface = ({ info, exceptionInterface }: OpenDevice): string | undefined =>
  exceptionInterface ?? (info.driver === 'af_xdp' ? info.interface : undefined);

/** A running dispatcher: it owns a device and shares it among the queues of its configuration. */
export class Dispatcher extends EventEmitter<DispatcherEvents> {
  readonly config: DispatcherConfig;
  /** Where clients connect. */
  readonly socketPath: string;
  readonly #arena: Arena;
  readonly #since = Date.now();
  #dataplane!: DataplaneHandle;
  #device!: OpenDevice;
  #conductor!: Conductor;
  #control!: ControlServer;
  #descriptors!: DescriptorServer;
  #metrics: MetricsServer | undefined;
  #closing: Promise<void> | undefined;

  private constructor(config: DispatcherConfig, arena: Arena) {
    super();
    this.config = config;
    this.socketPath = config.socket.path ?? ownSocketPath();
    this.#arena = arena;
  }

  /** See createDispatcher. */
  static async start(options: DispatcherOptions, onNote?: (line: string) => void): Promise<Dispatcher> {
    const config = validateOptions(options);
    const plan = planMemory(config, tapShape(config));
    const arena = Arena.create(plan.bytes, { shared: true });
    const dispatcher = new Dispatcher(
      config,
      Arena.adopt(arena.memory, { start: plan.boundary, end: Infinity }),
    );
    if (onNote) dispatcher.on('note', onNote);
    await dispatcher.#open(plan.boundary);
    return dispatcher;
  }

  async #open(boundary: number): Promise<void> {
    const { config } = this;
    const { handle, device } = await DataplaneHandle.start(
      {
        memory: this.#arena.memory,
        deviceRange: { start: 0, end: boundary },
        device: config.device,
        frameSize: config.memory.frameSize,
        deviceRingSize: config.memory.deviceRingSize,
        spareFrames: spareFrames(config),
        hugepages: config.memory.hugepages,
        idle: config.idle,
        wakeupInterval: config.idle.wakeupInterval,
        hold: config.overflow === 'hold',
        sampleInterval: sampleInterval(config),
        startAt: queuesToWaitFor(config),
        unmatched: config.unmatched,
        tap: tapSettings(config),
        matches: orderedMatches(config.queues),
      },
      (line) => this.emit('note', line),
    );
    this.#dataplane = handle;
    this.#device = device;
    handle.on('failed', (error) => void this.#die(error));
    try {
      await this.#serve();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async #serve(): Promise<void> {
    const stack = new StackService({
      arena: this.#arena,
      driver: this.#device.info.driver,
      interfaceName: kernelInterface(this.#device),
      note: (line) => this.emit('note', line),
    });
    const conductor = new Conductor(this.config, this.#arena, this.#dataplane, this.#device, stack);
    this.#conductor = conductor;
    conductor.on('attached', (session) => this.emit('attached', clientInfo(session)));
    conductor.on('attached', (session) => this.#notePages(session.dispatcherRegion));
    conductor.on('detached', (session, reason) => this.emit('detached', clientInfo(session), reason));
    this.#control = new ControlServer(this.socketPath, conductor, () => this.stats());
    const fds = descriptorSocketPath(this.socketPath);
    this.#descriptors = new DescriptorServer(fds, conductor, (code) => this.#control.countRefusal(code));
    const access = socketAccess(this.config.socket);
    this.#noteAccess(access);
    const note = sharingNote(this.config);
    if (note) this.emit('note', note);
    this.#noteLatency();
    await this.#control.listen(access);
    this.#descriptors.listen(access);
    if (!this.#control.descriptorsRefused)
      this.emit(
        'note',
        'This kernel lets clients send descriptors, by which one that may open the sockets can hang the dispatcher: use Linux 6.16 or later where clients are not trusted.',
      );
    await this.#serveMetrics();
    this.#noteStart();
  }

  async #serveMetrics(): Promise<void> {
    const address = this.config.metrics && parseListenAddress(this.config.metrics.listen);
    if (address) this.#metrics = await MetricsServer.listen(address, () => this.stats());
  }

  /** Where metrics can be scraped; undefined where they are off. */
  get metricsUrl(): string | undefined {
    return this.#metrics?.url;
  }

  /** What a device that lives in this process offers at its far side; see FakeWire of the driver package. */
  get wire(): { readonly memory: WebAssembly.Memory; readonly description: unknown } {
    return { memory: this.#arena.memory, description: this.#device.wire };
  }

  /**
   * Lets no more packets come from a device that can be stopped (a replay); what has come goes its way, and clients
   * go on sending. Throws NicshareError NotSupported for any other device.
   */
  async stopReceiving(): Promise<void> {
    if (await this.#dataplane.stopReceiving()) return;
    const { driver } = this.config.device;
    throw new NicshareError('NotSupported', `A ${driver} device cannot be stopped.`, 'Close the dispatcher.');
  }

  async stats(): Promise<DispatcherStats> {
    return collectStats({
      memory: this.#arena.memory,
      conductor: this.#conductor,
      device: this.#device,
      deviceCounters: await this.#dataplane.stats(),
      refusals: this.#control.refusals,
      since: this.#since,
      sampleInterval: sampleInterval(this.config),
    });
  }

  /** Ends all sessions, tells their clients, and leaves the device as it was found. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#shutDown(dispatcherStopped());
    return this.#closing;
  }

  async #shutDown(reason: NicshareError): Promise<void> {
    await this.#metrics?.close();
    this.#descriptors?.close();
    await this.#conductor?.close(reason);
    await this.#control?.close();
    await this.#dataplane.stop();
  }

  async #die(error: NicshareError): Promise<void> {
    this.#closing ??= this.#shutDown(error);
    await this.#closing;
    this.emit('failed', error);
  }

  #noteAccess({ mode, group }: SocketAccess): void {
    if (process.getuid?.() !== 0 || group !== undefined || (mode & 0o006) === 0o006) return;
    this.emit(
      'note',
      "Only root may attach, for there is no group 'nicshare': create it, or set socket.group, or socket.mode 0666 for everybody.",
    );
  }

  #noteStart(): void {
    const wanted = queuesToWaitFor(this.config);
    if (wanted === 0) return;
    const all = wanted === this.config.queues.length;
    const who = all ? 'every queue has' : wanted === 1 ? 'one queue has' : `${wanted} queues have`;
    this.emit('note', `The replay begins once ${who} a client (device.start).`);
  }

  #noteLatency(): void {
    if (sampleInterval(this.config) === 0 || this.#device.rxTimes) return;
    const { driver } = this.#device.info;
    this.emit(
      'note',
      `The ${driver} device tells no times here: latencies begin where the dispatcher takes a packet.`,
    );
  }

  #pagesNoted = false;

  #notePages(region: Region): void {
    if (this.#pagesNoted || region.pageSize !== 4096 || this.config.memory.hugepages === 'never') return;
    this.#pagesNoted = true;
    this.emit(
      'note',
      `No free 2 MiB pages: clients get 4 KiB pages, which is slower. To get some: ${HUGEPAGE_HINT}`,
    );
  }
}

/**
 * Starts a dispatcher in this process. It resolves when clients can connect. Throws NicshareError: ConfigInvalid,
 * DispatcherRunning, SocketUnusable, MetricsUnusable, OutOfMemory, or what the device says (InterfaceNotFound, InterfaceTaken,
 * NotPermitted, NotSupported).
 *
 * `onNote` gets lines for the operator, also those of the start itself.
 */
export async function createDispatcher(
  options: DispatcherOptions,
  onNote?: (line: string) => void,
): Promise<Dispatcher> {
  return await blameCaller(createDispatcher, Dispatcher.start(options, onNote));
}
