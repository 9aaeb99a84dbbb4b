import { blameCaller, defaultSocketPath, NicshareError } from '@nicshare/shm';
import { libc } from '@nicshare/shm/sys';
import { EventEmitter } from 'eventemitter3';
import { Attachment } from './attachment.js';
import { claimSession } from './claim.js';
import { DispatcherProxy } from './dispatcher-proxy.js';
import { Port } from './port.js';

/** The wakeup descriptor may close before the control channel has said why. */
const REASON_COMES_MS = 500;

const noReason = (): NicshareError =>
  new NicshareError('Detached', 'The dispatcher has ended the session.', 'Attach again.');

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
  readonly #ports = new Map<number, Port>();
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
      ended: (session, reason) => client.#endPort(session, reason),
      lost: (reason) => client.#lose(reason),
    });
    return client;
  }

  /** The attached ports. */
  get ports(): Port[] {
    return [...this.#ports.values()];
  }

  /**
   * Attaches to a queue by its name. Throws NicshareError: NoSuchQueue, QueueBusy, NotAllowed, OutOfMemory,
   * VersionMismatch, DispatcherStopped, Timeout, Closed.
   */
  async attach(queue: string): Promise<Port> {
    return await blameCaller(this.attach, this.#attach(queue));
  }

  async #attach(queue: string): Promise<Port> {
    if (typeof queue !== 'string' || queue.length < 1 || queue.length > 64)
      throw new NicshareError('InvalidArgument', 'The name of a queue has 1 to 64 characters.', '');
    const { token } = await this.#proxy.request({ type: 'attach', queue }, 'granted');
    const { grant, descriptors } = await claimSession(this.socketPath, token);
    try {
      const port = new Port({
        owner: { detach: (session) => this.#detach(session) },
        grant,
        attachment: new Attachment(grant, descriptors),
        wakeFd: descriptors.wake,
        debug: this.#debug,
        lost: ({ session }) => setTimeout(() => this.#endPort(session, noReason()), REASON_COMES_MS).unref(),
      });
      this.#ports.set(grant.session, port);
      return port;
    } catch (error) {
      libc.close(descriptors.wake);
      await this.#detach(grant.session);
      throw error;
    }
  }

  /** All that the dispatcher counts, as `nicshare queues --json` prints it. */
  async stats(): Promise<unknown> {
    return (await this.#proxy.request({ type: 'stats' }, 'stats')).stats;
  }

  /** Leaves all queues and hangs up. Idempotent. */
  async close(): Promise<void> {
    await Promise.all(this.ports.map((port) => port.close()));
    this.#proxy.close();
  }

  async #detach(session: number): Promise<void> {
    this.#ports.delete(session);
    try {
      await this.#proxy.request({ type: 'detach', session }, 'detached');
    } catch {
      // The dispatcher or the session is gone: then it is detached.
    }
  }

  #endPort(session: number, reason: NicshareError): void {
    const port = this.#ports.get(session);
    this.#ports.delete(session);
    port?.end(reason);
  }

  #lose(reason: NicshareError): void {
    for (const port of this.ports) this.#endPort(port.session, reason);
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
