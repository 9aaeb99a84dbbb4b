import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const LENGTH_BYTES = 4;

/**
 * The cable of a guest's card, with us at its other end: QEMU's `stream` network backend over a unix socket, on which
 * each frame goes with its length before it (u32, big endian). Needs no privileges.
 */
export class Wire {
  /** Takes each frame that the card sends; the buffer is its own. */
  onFrame: ((frame: Buffer) => void) | undefined;
  readonly #folder: string;
  readonly #server: Server;
  readonly #id: string;
  #socket: Socket | undefined;
  #pending: Buffer = Buffer.alloc(0);

  private constructor(id: string) {
    this.#id = id;
    this.#folder = mkdtempSync(join(tmpdir(), 'nicshare-lab-wire-'));
    this.#server = createServer((socket) => this.#plug(socket));
  }

  /** A wire that a card is plugged into by `-device MODEL,netdev=ID` beside `netdev`. */
  static async open(id = 'wire0'): Promise<Wire> {
    const wire = new Wire(id);
    await new Promise<void>((resolve, reject) => {
      wire.#server.once('error', reject).listen(wire.#path, resolve);
    });
    return wire;
  }

  /** QEMU's arguments for this end. */
  get netdev(): string[] {
    return ['-netdev', `stream,id=${this.#id},server=off,addr.type=unix,addr.path=${this.#path}`];
  }

  /** Sends a frame to the card; it is lost where none is plugged in. Returns false where QEMU is slow to take it. */
  send(frame: Uint8Array): boolean {
    const { ready } = this;
    if (!ready) return false;
    const length = Buffer.allocUnsafe(LENGTH_BYTES);
    length.writeUInt32BE(frame.length);
    this.#socket!.cork();
    this.#socket!.write(length);
    const taken = this.#socket!.write(frame);
    this.#socket!.uncork();
    return taken;
  }

  get ready(): boolean {
    return this.#socket?.writable === true;
  }

  async close(): Promise<void> {
    this.#socket?.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #path(): string {
    return join(this.#folder, 'wire.sock');
  }

  #plug(socket: Socket): void {
    this.#socket = socket;
    this.#pending = Buffer.alloc(0);
    socket.on('data', (chunk) => this.#take(chunk));
    // QEMU ends with its guest, as it should.
    socket.on('error', () => socket.destroy());
  }

  #take(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    let at = 0;
    while (this.#pending.length - at >= LENGTH_BYTES) {
      const end = at + LENGTH_BYTES + this.#pending.readUInt32BE(at);
      if (end > this.#pending.length) break;
      this.onFrame?.(Buffer.from(this.#pending.subarray(at + LENGTH_BYTES, end)));
      at = end;
    }
    this.#pending = this.#pending.subarray(at);
  }
}
