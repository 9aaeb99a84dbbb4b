import { blameCaller, defaultSocketPath, layout, NicshareError } from '@nicshare/shm';
import { libc } from '@nicshare/shm/sys';
import { EventEmitter } from 'eventemitter3';
import { Attachment } from './attachment.js';
import { claimSession, claimStack } from './claim.js';
import { DispatcherProxy } from './dispatcher-proxy.js';
import { PacketTap, type TapOptions } from './packet-tap.js';
import { Port, type SessionParts } from './port.js';
import type { NextHop, Resolver } from './resolver.js';
import { SnapshotResolver } from './snapshot-resolver.js';

/** The wakeup descriptor may close before the control channel has said why. */
const REASON_COMES_MS = 500;

const noReason = (): NicshareError =>
  new NicshareError('Detached', 'The dispatcher has ended the session.', 'Attach again.');

/** A queue's name, as requests of this client may hold it. */
function requireQueueName(queue: string): void {
  if (typeof queue !== 'string' || queue.length < 1 || queue.length > 64)
    throw new NicshareError('InvalidArgument', 'The name of a queue has 1 to 64 characters.', '');
}

function requireSnaplen(snaplen: number): void {
  const { MIN_SNAPLEN, MAX_SNAPLEN } = layout;
  if (!Number.isInteger(snaplen) || snaplen < MIN_SNAPLEN || snaplen > MAX_SNAPLEN)
    throw new NicshareError(
      'InvalidArgument',
      `A snaplen of ${snaplen} bytes.`,
      `Give it ${MIN_SNAPLEN} to ${MAX_SNAPLEN}.`,
    );
}

/** What `connect` takes. */
export interface ConnectOptions {
  /** The dispatcher's control socket. Default: $NICSHARE_SOCKET, else this user's own, else the system's. */
  readonly socket?: string;
  /** Offsets of a released batch lead nowhere: finds code that uses packets after their release. */
  readonly debug?: boolean;
}

/** Events of a Client, and what their listeners are given. */
export interface ClientEvents {
  /** The dispatcher is gone; all ports are detached. */
  disconnected: [reason: NicshareError];
}

/** A connection to a dispatcher. */
export class Client extends EventEmitter<ClientEvents> {
  /** The control socket that it is connected to. */
  readonly socketPath: string;
  readonly #debug: boolean;
  readonly #sessions = new Map<number, Port | PacketTap>();
  #resolver: Promise<SnapshotResolver> | undefined;
  #proxy!: DispatcherProxy;

  private constructor(socketPath: string, debug: boolean) {
    super();
    this.socketPath = socketPath;
    this.#debug = debug;
  }

  /** See connect. */
  static async open(options: ConnectOptions): Promise<Client> {
    const client = new Client(options.socket ?? defaultSocketPath(), options.debug ?? false);
    client.#proxy = await DispatcherProxy.connect(client.socketPath, {
      ended: (session, reason) => client.#end(session, reason),
      lost: (reason) => client.#lose(reason),
    });
    return client;
  }

  /** The attached ports. */
  get ports(): Port[] {
    return [...this.#sessions.values()].filter((session) => session instanceof Port);
  }

  /**
   * Attaches to a queue by its name. Throws NicshareError: NoSuchQueue, QueueBusy, NotAllowed, OutOfMemory,
   * VersionMismatch, DispatcherStopped, Timeout, Closed.
   */
  async attach(queue: string): Promise<Port> {
    return await blameCaller(this.attach, this.#attach(queue));
  }

  async #attach(queue: string): Promise<Port> {
    requireQueueName(queue);
    const { token } = await this.#proxy.request({ type: 'attach', queue }, 'granted');
    return this.#claim(token, (parts) => new Port(parts));
  }

  /**
   * Watches packets: gets copies of all that a queue, or the whole device, receives and sends, also of those that were
   * dropped. Throws NicshareError: NoSuchQueue, NotAllowed, TooManyTaps, InvalidArgument, OutOfMemory,
   * VersionMismatch, DispatcherStopped, Timeout, Closed.
   */
  async tap(options: TapOptions = {}): Promise<PacketTap> {
    return await blameCaller(this.tap, this.#tap(options));
  }

  async #tap(options: TapOptions): Promise<PacketTap> {
    const { queue, snaplen = layout.MAX_SNAPLEN, filter = [] } = options;
    if (queue !== undefined) requireQueueName(queue);
    requireSnaplen(snaplen);
    const wish = { type: 'tap' as const, queue: queue ?? null, snaplen, filter: [...filter] };
    const { token, device, queues } = await this.#proxy.request(wish, 'tapGranted');
    return this.#claim(token, (parts) => new PacketTap(parts, device, queues));
  }

  /** Trades a token for a session, and makes something of it that ends with this connection. */
  async #claim<T extends Port | PacketTap>(token: string, make: (parts: SessionParts) => T): Promise<T> {
    const { grant, descriptors } = await claimSession(this.socketPath, token);
    try {
      const made = make({
        owner: {
          detach: (session) => this.#detach(session),
          resolver: () => this.resolver(),
          refer: () => this.#refer(),
        },
        grant,
        attachment: new Attachment(grant, descriptors),
        wakeFd: descriptors.wake,
        debug: this.#debug,
        lost: () => setTimeout(() => this.#end(grant.session, noReason()), REASON_COMES_MS).unref(),
      });
      this.#sessions.set(grant.session, made);
      this.#refer();
      return made;
    } catch (error) {
      libc.close(descriptors.wake);
      await this.#detach(grant.session);
      throw error;
    }
  }

  /**
   * The kernel's neighbours and routes of the device's interface, mapped once a client. Throws NicshareError
   * NotSupported where the device has no interface; VersionMismatch, OutOfMemory, DispatcherStopped, Timeout, Closed.
   */
  resolver(): Promise<Resolver> {
    this.#resolver ??= this.#openResolver();
    return this.#resolver;
  }

  /** `Resolver.resolve` of this client's resolver. Throws what that and `resolver` throw. */
  async resolve(address: string): Promise<NextHop> {
    return (await this.resolver()).resolve(address);
  }

  /** All that the dispatcher counts, as `nicshare queues --json` prints it. */
  async stats(): Promise<unknown> {
    return (await this.#proxy.request({ type: 'stats' }, 'stats')).stats;
  }

  /** Leaves all queues and hangs up. Idempotent. */
  async close(): Promise<void> {
    await Promise.all([...this.#sessions.values()].map((session) => session.close()));
    this.#proxy.close();
    const resolver = await this.#resolver?.catch(() => undefined);
    resolver?.close();
  }

  async #openResolver(): Promise<SnapshotResolver> {
    try {
      const { token } = await this.#proxy.request({ type: 'stack' }, 'granted');
      return new SnapshotResolver(await claimStack(this.socketPath, token), async (address) => {
        await this.#proxy.request({ type: 'resolve', address }, 'resolved');
      });
    } catch (error) {
      this.#resolver = undefined;
      throw error;
    }
  }

  async #detach(session: number): Promise<void> {
    this.#sessions.delete(session);
    this.#refer();
    try {
      await this.#proxy.request({ type: 'detach', session }, 'detached');
    } catch {
      // The dispatcher or the session is gone: then it is detached.
    }
  }

  /** The connection keeps the process alive while a session does, or there is none. */
  #refer(): void {
    const sessions = [...this.#sessions.values()];
    const holds = (session: Port | PacketTap): boolean => !(session instanceof Port) || session.isReferenced;
    this.#proxy.referenced = sessions.length === 0 || sessions.some(holds);
  }

  #end(id: number, reason: NicshareError): void {
    const session = this.#sessions.get(id);
    this.#sessions.delete(id);
    this.#refer();
    session?.end(reason);
  }

  #lose(reason: NicshareError): void {
    for (const session of [...this.#sessions.keys()]) this.#end(session, reason);
    this.emit('disconnected', reason);
  }
}

/**
 * Connects to a dispatcher. Needs no privileges but the right to open its socket. Throws NicshareError
 * DispatcherNotRunning, NotAllowed, VersionMismatch, Timeout.
 */
export async function connect(options: ConnectOptions = {}): Promise<Client> {
  return await blameCaller(connect, Client.open(options));
}
