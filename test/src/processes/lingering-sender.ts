/*
 * Sends the dispatcher a descriptor whose last close(2) takes a minute: a TCP socket with SO_LINGER, and bytes that its
 * other end does not take. Arguments: socket, queue, over which socket (wake-up, control, descriptor).
 */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { connectUnix, descriptorSocketPath, sendDescriptors } from '@nicshare/shm';
import { AF_UNIX, check, libc, SOL_SOCKET, SystemError } from '@nicshare/shm/sys';
import { becomeNobody } from '../support/nobody.js';
import { say } from '../support/parent.js';
import { RawSession } from '../support/raw-session.js';

const AF_INET = 2;
const SOCK_STREAM = 1;
const SO_LINGER = 13;
const LINGER_SECONDS = 60;
const MSG_DONTWAIT = 0x40;

async function lingering(): Promise<number> {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = Buffer.alloc(16);
  address.writeUInt16LE(AF_INET);
  address.writeUInt16BE((server.address() as AddressInfo).port, 2);
  address.writeUInt32BE(0x7f000001, 4);
  const fd = check(libc.socket(AF_INET, SOCK_STREAM, 0), 'socket');
  check(libc.connect(fd, address, address.length), 'connect');
  const linger = Buffer.alloc(8);
  linger.writeInt32LE(1);
  linger.writeInt32LE(LINGER_SECONDS, 4);
  check(libc.setsockopt(fd, SOL_SOCKET, SO_LINGER, linger, linger.length), 'setsockopt');
  const bytes = Buffer.alloc(1 << 20);
  while (libc.send(fd, bytes, bytes.length, MSG_DONTWAIT) > 0);
  return fd;
}

function controlSocket(path: string): number {
  const address = Buffer.alloc(110);
  address.writeUInt16LE(AF_UNIX);
  address.write(path, 2);
  const fd = check(libc.socket(AF_UNIX, SOCK_STREAM, 0), 'socket');
  check(libc.connect(fd, address, 2 + path.length + 1), 'connect');
  return fd;
}

const SOCKETS: Record<string, (socket: string, queue: string) => number | Promise<number>> = {
  'wake-up': async (socket, queue) => (await RawSession.attach(socket, queue)).descriptors[2],
  control: controlSocket,
  descriptor: (socket) => connectUnix(descriptorSocketPath(socket)),
};

const [socket, queue, where] = process.argv.slice(2) as [string, string, string];
becomeNobody();
const fd = await lingering();
const target = await SOCKETS[where]!(socket, queue);
let errno = 0;
try {
  sendDescriptors(target, Uint8Array.of(1, 0, 0), [fd]);
} catch (error) {
  if (!(error instanceof SystemError)) throw error;
  errno = error.errno;
}
// Where it was sent, the receiver's close shall be the last.
if (errno === 0) libc.close(fd);
await say('sent', { errno });
