/*
 * Bulk data over TCP by ordinary sockets. Commands: serve (take connections; says the length and digest of what each
 * brought), connect (`address`), send (`bytes`), finish (says the digest of what it sent, and how long it took).
 */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { nextCommand, say } from '../support/parent.js';

const PORT = 5001;
const CHUNK = 1 << 20;

async function take(socket: Socket): Promise<void> {
  const hash = createHash('sha1');
  let bytes = 0;
  try {
    for await (const part of socket) {
      hash.update(part as Buffer);
      bytes += (part as Buffer).length;
    }
    await say('taken', { bytes, digest: hash.digest('hex') });
  } catch (error) {
    await say('taken', { bytes, error: (error as Error).message });
  }
}

async function serve(): Promise<void> {
  const server = createServer((socket) => void take(socket)).listen(PORT);
  await once(server, 'listening');
  await say('serving');
}

/** A connection that data is sent by. */
class Sending {
  readonly #socket: Socket;
  readonly #hash = createHash('sha1');
  readonly #random = randomBytes(CHUNK);
  readonly #start = performance.now();
  #pieces = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Every piece differs from the others, so that a lost, doubled or displaced one shows in the digest. */
  async send(bytes: number): Promise<void> {
    for (let left = bytes; left > 0; left -= CHUNK) {
      const piece = Buffer.from(this.#random.subarray(0, Math.min(left, CHUNK)));
      piece.writeUInt32LE(this.#pieces++);
      this.#hash.update(piece);
      if (!this.#socket.write(piece)) await once(this.#socket, 'drain');
    }
    await say('sent');
  }

  async finish(): Promise<void> {
    this.#socket.end();
    await once(this.#socket, 'close');
    const seconds = (performance.now() - this.#start) / 1000;
    await say('finished', { digest: this.#hash.digest('hex'), seconds });
  }
}

await say('up');
let sending: Sending | undefined;
for (;;) {
  const { event, address, bytes } = await nextCommand();
  if (event === 'serve') await serve();
  if (event === 'connect') {
    const socket = connect(PORT, String(address));
    await once(socket, 'connect');
    sending = new Sending(socket);
    await say('connected');
  }
  if (event === 'send') await sending?.send(Number(bytes));
  if (event === 'finish') await sending?.finish();
}
