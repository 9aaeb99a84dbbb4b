/* The part of node-ipc that is used here; the package brings no types. */
declare module 'node-ipc' {
  import type { Server as NetServer, Socket } from 'node:net';

  interface Config {
    silent: boolean;
    rawBuffer: boolean;
    encoding: string;
    unlink: boolean;
    maxConnections: number;
    maxRetries: number;
    stopRetrying: boolean;
  }
  interface Server {
    readonly server: NetServer;
    on(event: 'start', listener: () => void): void;
    on(event: 'connect', listener: (socket: Socket) => void): void;
    on(event: 'data', listener: (data: Buffer, socket: Socket) => void): void;
    on(event: 'error', listener: (error: NodeJS.ErrnoException) => void): void;
    emit(socket: Socket, message: Buffer): void;
    start(): void;
    stop(): void;
  }
  interface Client {
    readonly socket: Socket;
    on(event: 'connect' | 'disconnect', listener: () => void): void;
    on(event: 'data', listener: (data: Buffer) => void): void;
    on(event: 'error', listener: (error: NodeJS.ErrnoException) => void): void;
    emit(message: Buffer): void;
  }
  class IPC {
    readonly config: Config;
    readonly server: Server;
    readonly of: Record<string, Client>;
    serve(path: string): void;
    connectTo(id: string, path: string): void;
    disconnect(id: string): void;
  }
  const root: { IPC: typeof IPC };
  export default root;
}
