/*
 * Bulk data over TCP by ordinary sockets. Commands: serve (take connections; says the length and digest of what each
 * brought), send (`address`, `bytes`; says the digest of what it sent, and how long it took).
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

/** Every piece differs from the others, so that a lost, doubled or displaced one shows in the digest. */
async function send(address: string, bytes: number): Promise<void> {
  const socket = connect(PORT, address);
  await once(socket, 'connect');
  const hash = createHash('sha1');
  const random = randomBytes(CHUNK);
  const start = performance.now();
  for (let left = bytes, number = 0; left > 0; left -= CHUNK, number++) {
    const piece = Buffer.from(random.subarray(0, Math.min(left, CHUNK)));
    piece.writeUInt32LE(number);
    hash.update(piece);
    if (!socket.write(piece)) await once(socket, 'drain');
  }
  socket.end();
  await once(socket, 'close');
  await say('sent', { digest: hash.digest('hex'), seconds: (performance.now() - start) / 1000 });
}

await say('up');
for (;;) {
  const { event, address, bytes } = await nextCommand();
  if (event === 'serve') await serve();
  if (event === 'send') await send(String(address), Number(bytes));
}
