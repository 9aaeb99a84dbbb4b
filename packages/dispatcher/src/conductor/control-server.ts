import type { Server, Socket } from 'node:net';
import { frame, NicshareError, peerCredentials, refuseDescriptors } from '@nicshare/shm';
import nodeIpc from 'node-ipc';
import type { Conductor } from './conductor.js';
import { ControlConnection } from './control-connection.js';
import { oldestOfGreediest } from './greediest.js';
import { tooManyConnections } from './refusals.js';
import { clearSocketPath, grantAccess, removeSocket, type SocketAccess } from './socket-file.js';

const MAX_CONNECTIONS = 1024;
/** Of one user, root and our own excepted: nobody uses up what is there for all. */
const MAX_CONNECTIONS_PER_USER = 64;
/** Connections that may stand open without a greeting; one more ends one of the user who has most. */
const MAX_SILENT = 256;
/** A client that reads none of its answers is cut off when so many bytes wait for it. */
const MAX_UNREAD = 1 << 20;
/** How long a connection that was hung up on may take to read its last message. */
const LAST_READ_MS = 500;

/** The descriptor below a server or a socket of node:net; Node has no other way to it. */
const descriptorOf = (handle: Server | Socket): number =>
  (handle as unknown as { readonly _handle?: { readonly fd: number } })._handle?.fd ?? -1;

/** Who is at the other end; undefined where that has gone already. */
function userOf(socket: Socket): number | undefined {
  try {
    return peerCredentials(descriptorOf(socket)).uid;
  } catch {
    return undefined;
  }
}

/** The light control channel: a unix socket by node-ipc, on which connections come and go. */
export class ControlServer {
  readonly path: string;
  /** Refusals since the start, by code. */
  readonly refusals: Record<string, number> = {};
  readonly #ipc = new nodeIpc.IPC();
  readonly #connections = new Map<Socket, ControlConnection>();
  readonly #silent = new Map<Socket, { readonly uid: number }>();
  /** Greeted connections of each user. */
  readonly #perUser = new Map<number, number>();
  readonly #conductor: Conductor;
  readonly #stats: () => Promise<unknown>;
  #descriptorsRefused = false;

  constructor(path: string, conductor: Conductor, stats: () => Promise<unknown>) {
    this.path = path;
    this.#conductor = conductor;
    this.#stats = stats;
    // Raw mode passes binary through unharmed in this encoding alone; node-ipc's own clean-up would unlink a socket
    // that somebody listens on.
    Object.assign(this.#ipc.config, {
      silent: true,
      rawBuffer: true,
      encoding: 'latin1',
      unlink: false,
      maxConnections: MAX_CONNECTIONS,
    });
  }

  /** Throws NicshareError DispatcherRunning or SocketUnusable. */
  async listen(access: SocketAccess): Promise<void> {
    await clearSocketPath(this.path);
    this.#ipc.serve(this.path);
    const { server } = this.#ipc;
    server.on('connect', (socket) => this.#welcome(socket));
    server.on('data', (data, socket) => this.#connections.get(socket)?.take(data));
    await new Promise<void>((resolve, reject) => {
      server.on('start', resolve);
      server.on('error', (error) =>
        reject(new NicshareError('SocketUnusable', error.message, '', { cause: error })),
      );
      const before = process.umask(0o177);
      try {
        server.start();
      } finally {
        process.umask(before);
      }
    });
    this.#descriptorsRefused = refuseDescriptors(descriptorOf(server.server));
    grantAccess(this.path, access);
  }

  /** Whether the kernel keeps out descriptors that clients send; one whose close(2) blocks would stop us otherwise. */
  get descriptorsRefused(): boolean {
    return this.#descriptorsRefused;
  }

  countRefusal(code: string): void {
    this.refusals[code] = (this.refusals[code] ?? 0) + 1;
  }

  /** Hangs up on all, after what is queued for them was sent. */
  async close(): Promise<void> {
    const { server } = this.#ipc;
    if (!server) return;
    const closed = new Promise<void>((resolve) => server.server.close(() => resolve()));
    for (const socket of this.#connections.keys()) this.#hangUp(socket);
    await closed;
    removeSocket(this.path);
  }

  /** Sends what is queued, then closes; a peer that reads nothing or closes nothing does not delay it for long. */
  #hangUp(socket: Socket): void {
    socket.destroySoon();
    setTimeout(() => socket.destroy(), LAST_READ_MS).unref();
  }

  #welcome(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    const uid = userOf(socket);
    if (uid === undefined) return void socket.destroy();
    const connection = new ControlConnection({
      conductor: this.#conductor,
      uid,
      stats: this.#stats,
      refused: (code) => this.countRefusal(code),
      greeted: () => this.#admit(socket, uid),
      hangUp: () => this.#hangUp(socket),
      listen: (listens) => (listens ? socket.resume() : socket.pause()),
      send: (message) => {
        if (socket.writableLength > MAX_UNREAD) socket.destroy();
        else if (socket.writable) this.#ipc.server.emit(socket, frame(message));
      },
    });
    this.#connections.set(socket, connection);
    this.#silent.set(socket, { uid });
    if (this.#silent.size > MAX_SILENT) this.#endSilence();
    socket.once('close', () => {
      this.#connections.delete(socket);
      this.#silent.delete(socket);
      void connection.gone();
    });
  }

  /** Counts a greeted connection to its user, until it closes. Throws NicshareError NotAllowed. */
  #admit(socket: Socket, uid: number): void {
    this.#silent.delete(socket);
    const open = this.#perUser.get(uid) ?? 0;
    if (open >= MAX_CONNECTIONS_PER_USER && uid !== 0 && uid !== process.getuid?.())
      throw tooManyConnections(uid, open);
    this.#perUser.set(uid, open + 1);
    socket.once('close', () => {
      const left = this.#perUser.get(uid)! - 1;
      if (left > 0) this.#perUser.set(uid, left);
      else this.#perUser.delete(uid);
    });
  }

  #endSilence(): void {
    const socket = oldestOfGreediest(this.#silent);
    if (!socket) return;
    this.#silent.delete(socket);
    this.countRefusal('ProtocolViolation');
    socket.destroy();
  }
}
