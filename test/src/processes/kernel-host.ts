/*
 * A host with nothing but its kernel: sends by ordinary sockets, and says what came back. Commands: serve (answer
 * TCP and UDP), udp (`address`, `port`, `count`), ping (`address`, `count`), tcp (`address`), scatter (as udp, but
 * nothing is to come back), datagram (`address`, `port`, `length`).
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { libc } from '@nicshare/shm/sys';
import { nextCommand, say } from '../support/parent.js';

const TCP_PORT = 9000;
const UDP_PORT = 7;
/** Where one datagram is answered by several at once. */
const BURST_PORT = 8;
const BURST = 5;
const PATIENCE_MS = 10_000;
const AF_INET = 2;
const SOCK_RAW = 3;
const ICMP = 1;

/** Bytes that follow from a number; lengths from 1 to 1,400. */
const payload = (number: number): Buffer =>
  Buffer.from(Array.from({ length: 1 + ((number * 37) % 1400) }, (_, at) => (number * 13 + at * 11) & 0xff));

async function serve(): Promise<void> {
  const udp = createSocket('udp4', (bytes, { port, address }) => udp.send(bytes, port, address));
  udp.bind(UDP_PORT);
  await once(udp, 'listening');
  const burst = createSocket('udp4', (_, { port, address }) => {
    for (let i = 1; i <= BURST; i++) burst.send(`${i} of ${BURST}`, port, address);
  });
  burst.bind(BURST_PORT);
  await once(burst, 'listening');
  const tcp = createServer((socket) => socket.pipe(socket)).listen(TCP_PORT);
  await once(tcp, 'listening');
  await say('serving');
}

/** Sends one after the other; counts the answers that are the same, byte for byte. */
async function udp(address: string, port: number, count: number): Promise<void> {
  const socket = createSocket('udp4');
  let answered = 0;
  for (let i = 0; i < count; i++) {
    const bytes = payload(i);
    socket.send(bytes, port, address);
    const answer = await Promise.race([once(socket, 'message'), timeout()]);
    if (answer === undefined) break;
    if (bytes.equals(answer[0] as Buffer)) answered++;
  }
  socket.close();
  await say('udp', { answered });
}

function timeout(): Promise<undefined> {
  return new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, undefined).unref());
}

async function scatter(address: string, port: number, count: number): Promise<void> {
  const socket = createSocket('udp4');
  socket.on('error', () => {});
  for (let i = 0; i < count; i++)
    await new Promise((resolve) => socket.send(payload(i), port + (i % 100), address, resolve));
  socket.close();
  await say('scattered');
}

async function datagram(address: string, port: number, length: number): Promise<void> {
  const socket = createSocket('udp4');
  await new Promise((resolve) => socket.send(Buffer.alloc(length, 1), port, address, resolve));
  socket.close();
}

/** RFC 1071. */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at + 1 < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  if (bytes.length % 2 === 1) sum += bytes[bytes.length - 1]! << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** An ICMP message of type 8 or 0 (RFC 792). */
function echo(type: number, sequence: number): Buffer {
  const message = Buffer.concat([Buffer.from([type, 0, 0, 0, 0x4e, 0x53, 0, 0]), payload(sequence)]);
  message.writeUInt16BE(sequence, 6);
  message.writeUInt16BE(checksum(message), 2);
  return message;
}

async function ping(address: string, count: number): Promise<void> {
  const fd = libc.socket(AF_INET, SOCK_RAW, ICMP);
  const target = Buffer.alloc(16);
  target.writeUInt16LE(AF_INET, 0);
  target.set(address.split('.').map(Number), 4);
  libc.connect(fd, target, target.length);
  let answered = 0;
  const buffer = Buffer.alloc(2048);
  for (let sequence = 0; sequence < count; sequence++) {
    const request = echo(8, sequence);
    libc.send(fd, request, request.length, 0);
    const deadline = Date.now() + PATIENCE_MS;
    let length = -1;
    while (length < 0 && Date.now() < deadline) {
      length = Number(libc.recv(fd, buffer, buffer.length, 0x40));
      if (length < 0) await new Promise(setImmediate);
    }
    if (length < 0) break;
    if (buffer.subarray(20, length).equals(echo(0, sequence))) answered++;
  }
  libc.close(fd);
  await say('ping', { answered });
}

async function tcp(address: string): Promise<void> {
  const socket = connect(TCP_PORT, address);
  const sent = Buffer.concat(Array.from({ length: 200 }, (_, i) => payload(i)));
  socket.end(sent);
  const parts: Buffer[] = [];
  try {
    for await (const part of socket) parts.push(part as Buffer);
  } catch (error) {
    return say('tcp', { error: (error as Error).message });
  }
  await say('tcp', { answered: Buffer.concat(parts).equals(sent) });
}

await say('up');
for (;;) {
  const { event, address, port, count, length } = await nextCommand();
  if (event === 'datagram') await datagram(String(address), Number(port), Number(length));
  if (event === 'serve') await serve();
  if (event === 'udp') await udp(String(address), Number(port), Number(count));
  if (event === 'scatter') await scatter(String(address), Number(port), Number(count));
  if (event === 'ping') await ping(String(address), Number(count));
  if (event === 'tcp') await tcp(String(address));
}
