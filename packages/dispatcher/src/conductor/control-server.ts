import type { Socket } from 'node:net';
import { frame, NicshareError } from '@nicshare/shm';
import nodeIpc from 'node-ipc';
import type { Conductor } from './conductor.js';
import { ControlConnection } from './control-connection.js';
import { clearSocketPath, grantAccess, removeSocket, type SocketAccess } from './socket-file.js';

const MAX_CONNECTIONS = 1024;
/** Connections that may stand open without a greeting; one more ends the oldest, so that silence keeps nobody out. */
const MAX_SILENT = 256;
/** A client that reads none of its answers is cut off when so many bytes wait for it. */
const MAX_UNREAD = 4 << 20;

/** The light control channel: a unix socket by node-ipc, on which connections come and go. */
export class ControlServer {
  readonly path: string;
  /** Refusals since the start, by code. */
  readonly refusals: Record<string, number> = {};
  readonly #ipc = new nodeIpc.IPC();
  readonly #connections = new Map<Socket, ControlConnection>();
  readonly #silent = new Set<Socket>();
  readonly #conductor: Conductor;
  readonly #stats: () => Promise<unknown>;

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
    grantAccess(this.path, access);
  }

  countRefusal(code: string): void {
    this.refusals[code] = (this.refusals[code] ?? 0) + 1;
  }

  /** Hangs up on all, after what is queued for them was sent. */
  async close(): Promise<void> {
    const { server } = this.#ipc;
    if (!server) return;
    const closed = new Promise<void>((resolve) => server.server.close(() => resolve()));
    for (const socket of this.#connections.keys()) {
      socket.end();
      setTimeout(() => socket.destroy(), 500).unref();
    }
    await closed;
    removeSocket(this.path);
  }

  #welcome(socket: Socket): void {
    const connection = new ControlConnection({
      conductor: this.#conductor,
      stats: this.#stats,
      refused: (code) => this.countRefusal(code),
      greeted: () => this.#silent.delete(socket),
      hangUp: () => socket.end(),
      send: (message) => {
        if (socket.writableLength > MAX_UNREAD) socket.destroy();
        else if (socket.writable) this.#ipc.server.emit(socket, frame(message));
      },
    });
    this.#connections.set(socket, connection);
    this.#silent.add(socket);
    this.#endOldestSilence();
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      this.#connections.delete(socket);
      this.#silent.delete(socket);
      void connection.gone();
    });
  }

  #endOldestSilence(): void {
    const [oldest] = this.#silent;
    if (oldest === undefined || this.#silent.size <= MAX_SILENT) return;
    this.#silent.delete(oldest);
    this.countRefusal('ProtocolViolation');
    oldest.destroy();
  }
}
