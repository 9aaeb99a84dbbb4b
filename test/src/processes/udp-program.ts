/*
 * One program on two kinds of sockets: node:dgram's and ours. Arguments: `dgram`, or `nicshare` and the dispatcher's
 * socket. It says its transcript, line by line, which the test compares. The far host 10.78.0.2 echoes UDP on port 7;
 * on `burst` (port 8) it answers with five datagrams at once.
 */
import dgram from 'node:dgram';
import { type EventEmitter, once } from 'node:events';
import { isIPv4 } from 'node:net';
import { connect, createUdpSocket, type UdpSocketOptions } from '@nicshare/client';
import { say } from '../support/parent.js';

/** What the program uses of a socket: dgram's own types, which ours must fit. */
type Shape = Pick<
  dgram.Socket,
  | 'address'
  | 'connect'
  | 'disconnect'
  | 'getSendQueueCount'
  | 'getSendQueueSize'
  | 'remoteAddress'
  | 'send'
  | 'setBroadcast'
  | 'setTTL'
>;
interface Socket extends Shape, EventEmitter, AsyncDisposable {
  bind(port?: number, callback?: () => void): Socket;
  bind(options: dgram.BindOptions, callback?: () => void): Socket;
  close(callback?: () => void): Socket;
  ref(): Socket;
  unref(): Socket;
}
type Create = (options?: Pick<UdpSocketOptions, 'lookup' | 'signal'>) => Socket;

const OWN = '10.78.0.1';
const FAR = '10.78.0.2';
const ECHO = 7;
const BURST = 8;
const PORT = 7000;

const [kind, path] = process.argv.slice(2) as [string, string?];

async function ours(): Promise<{ create: Create; close: () => Promise<void> }> {
  const client = await connect({ socket: path! });
  const port = await client.attach('udp');
  return { create: (options = {}) => createUdpSocket(port, options), close: () => client.close() };
}

const kernels = {
  create: (options = {}) => dgram.createSocket({ type: 'udp4', ...options }),
  close: async () => {},
};

const { create, close } =
  kind === 'dgram' ? (kernels as { create: Create; close: () => Promise<void> }) : await ours();
const lines: string[] = [];
const log = (...parts: unknown[]): void => {
  lines.push(parts.map((part) => (typeof part === 'string' ? part : JSON.stringify(part))).join(' '));
};

/** What of an error programs test for. */
const errorOf = (error: unknown): object | null => {
  if (error === null || error === undefined) return null;
  const { code, syscall, address, port, errno } = error as NodeJS.ErrnoException & {
    address?: string;
    port?: number;
  };
  return { code, syscall, address, port, errno };
};

/** The code of what a call throws. */
function thrown(what: string, call: () => unknown): void {
  try {
    log(what, 'returned', call() ?? 'nothing');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    log(
      what,
      'threw',
      code ?? (error as Error).name,
      error instanceof RangeError,
      error instanceof TypeError,
    );
  }
}

/** Sends by some form of send, and logs what its callback gets; says how a call and its callback follow each other. */
async function sending(
  what: string,
  call: (done: (error: Error | null, bytes: number) => void) => void,
): Promise<void> {
  const result = new Promise<void>((resolve) => {
    call((error, bytes) => {
      log(what, 'called back', errorOf(error), error ? '' : bytes);
      resolve();
    });
  });
  log(what, 'returned');
  await result;
}

async function echo(socket: Socket, what: string, expected: Buffer): Promise<void> {
  const [message, remote] = (await once(socket, 'message')) as [Buffer, dgram.RemoteInfo];
  log(what, 'came', message.equals(expected), Buffer.isBuffer(message), remote);
}

async function binding(): Promise<Socket> {
  const socket = create();
  thrown('address of an unbound socket', () => socket.address());
  log('bind returns the socket', socket.bind(PORT) === socket);
  thrown('a second bind', () => socket.bind(PORT));
  await once(socket, 'listening');
  log('bound', socket.address());
  thrown('a bind once bound', () => socket.bind());
  const other = create().bind(PORT);
  const [taken] = await once(other, 'error');
  log('a taken port', errorOf(taken));
  const elsewhere = create().bind({ port: 7100, address: '192.0.2.9' });
  const [foreign] = await once(elsewhere, 'error');
  log('a foreign address', errorOf(foreign));
  const named = create().bind({ port: 7001, address: OWN }, () => log('listening, by callback'));
  await once(named, 'listening');
  log('bound', named.address());
  for (const one of [other, elsewhere, named]) one.close();
  return socket;
}

async function echoing(socket: Socket): Promise<void> {
  const pattern = (length: number): Buffer =>
    Buffer.from(Array.from({ length }, (_, i) => (i * 7 + length) & 0xff));
  for (const length of [0, 1, 17, 18, 19, 64, 1000, 1471, 1472]) {
    const bytes = pattern(length);
    await sending(`${length} bytes`, (done) => socket.send(bytes, ECHO, FAR, done));
    await echo(socket, `${length} bytes`, bytes);
  }
  const bytes = pattern(100);
  await sending('a part', (done) => socket.send(bytes, 10, 50, ECHO, FAR, done));
  await echo(socket, 'a part', bytes.subarray(10, 60));
  await sending('text', (done) => socket.send('grüße', ECHO, FAR, done));
  await echo(socket, 'text', Buffer.from('grüße'));
  await sending('several parts', (done) => socket.send([bytes, 'text', new Uint8Array(3)], ECHO, FAR, done));
  await echo(socket, 'several parts', Buffer.concat([bytes, Buffer.from('text'), Buffer.alloc(3)]));
  await sending('a view', (done) => socket.send(new Uint16Array([0x4142, 0x4344]), ECHO, FAR, done));
  await echo(socket, 'a view', Buffer.from('BADC'));
  socket.send(bytes, ECHO, FAR);
  await echo(socket, 'without a callback', bytes);
  log('queue', socket.getSendQueueCount(), socket.getSendQueueSize());
  log('TTL', socket.setTTL(3) ?? '');
  await sending('with a TTL', (done) => socket.send(bytes, ECHO, FAR, done));
  await echo(socket, 'with a TTL', bytes);
}

/** Five datagrams that come at once, taken one by one by a loop that does not listen in between. */
async function oneByOne(socket: Socket): Promise<void> {
  socket.send('five', BURST, FAR);
  for (let i = 0; i < 5; i++) {
    const [message] = (await once(socket, 'message')) as [Buffer];
    await null;
    log('one of five', String(message));
  }
}

async function refusals(socket: Socket): Promise<void> {
  await sending('65508 bytes', (done) => socket.send(Buffer.alloc(65_508), ECHO, FAR, done));
  await sending('no route', (done) => socket.send('x', ECHO, '192.0.2.1', done));
  await sending('a broadcast', (done) => socket.send('x', ECHO, '10.78.0.255', done));
  socket.setBroadcast(true);
  await sending('a broadcast, allowed', (done) => socket.send('x', 9, '10.78.0.255', done));
  thrown('port 0', () => socket.send('x', 0, FAR));
  thrown('no port', () => socket.send('x'));
  thrown('port 65536', () => socket.send('x', 65_536, FAR));
  thrown('a number', () => socket.send(5 as unknown as string, ECHO, FAR));
  thrown('an address that is none', () => socket.send('x', ECHO, 5 as unknown as string));
  thrown('beyond the end', () => socket.send(Buffer.alloc(4), 2, 3, ECHO, FAR));
  thrown('TTL 0', () => socket.setTTL(0));
  thrown('TTL 256', () => socket.setTTL(256));
  thrown('remoteAddress', () => socket.remoteAddress());
  thrown('disconnect', () => socket.disconnect());
}

async function names(): Promise<void> {
  const lookup: UdpSocketOptions['lookup'] = (name, _options, callback) => {
    if (name === 'far.test') return process.nextTick(callback, null, FAR, 4);
    // dgram asks for addresses, too.
    if (isIPv4(name)) return process.nextTick(callback, null, name, 4);
    process.nextTick(
      callback,
      Object.assign(new Error('unknown'), { code: 'ENOTFOUND', syscall: 'lookup' }),
      '',
      4,
    );
  };
  const socket = create({ lookup });
  await sending('by a name, unbound', (done) => socket.send('hello', ECHO, 'far.test', done));
  await echo(socket, 'by a name', Buffer.from('hello'));
  await sending('by an unknown name', (done) => socket.send('hello', ECHO, 'nowhere.test', done));
  socket.send('hello', ECHO, 'nowhere.test');
  log('an unknown name without a callback', errorOf((await once(socket, 'error'))[0]));
  socket.close();
  await once(socket, 'close');
}

async function connected(): Promise<void> {
  const socket = create();
  socket.bind(7002);
  socket.connect(ECHO, FAR, () => log('connected, by callback'));
  thrown('a second connect', () => socket.connect(ECHO, FAR));
  await once(socket, 'connect');
  log('connected to', socket.remoteAddress());
  thrown('a connect once connected', () => socket.connect(ECHO, FAR));
  thrown('a port for a connected socket', () => socket.send('x', 0, 1, ECHO));
  await sending('connected', (done) => socket.send('to the peer', done));
  await echo(socket, 'connected', Buffer.from('to the peer'));
  await sending('connected, a part', (done) => socket.send(Buffer.from('to the peer'), 3, 3, done));
  await echo(socket, 'connected, a part', Buffer.from('the'));
  socket.disconnect();
  thrown('remoteAddress', () => socket.remoteAddress());
  await sending('disconnected', (done) => socket.send('again', ECHO, FAR, done));
  await echo(socket, 'disconnected', Buffer.from('again'));
  socket.close();
  const lost = create();
  const failed = new Promise<void>((resolve) => {
    lost.connect(ECHO, '192.0.2.1', ((error?: Error) => {
      log('connect without a route', errorOf(error));
      resolve();
    }) as () => void);
  });
  await failed;
  lost.close();
}

async function closing(socket: Socket): Promise<void> {
  log('ref', socket.ref() === socket, 'unref', socket.unref() === socket);
  socket.ref();
  socket.on('close', () => log('close, by event'));
  log('close returns', socket.close(() => log('close, by callback')) === socket);
  await once(socket, 'close');
  thrown('close', () => socket.close());
  thrown('send', () => socket.send('x', ECHO, FAR));
  thrown('bind', () => socket.bind());
  thrown('address', () => socket.address());
  const controller = new AbortController();
  const aborted = create({ signal: controller.signal }).bind(7003);
  await once(aborted, 'listening');
  controller.abort();
  await once(aborted, 'close');
  log('closed by its signal');
  const disposed = create().bind(7004);
  await once(disposed, 'listening');
  disposed.on('close', () => log('close, of a disposed socket'));
  await disposed[Symbol.asyncDispose]();
  await disposed[Symbol.asyncDispose]();
  const early = create();
  early.send('sent before it is bound', ECHO, FAR);
  early.close();
  await once(early, 'close');
}

const socket = await binding();
await echoing(socket);
await oneByOne(socket);
await refusals(socket);
await names();
await connected();
await closing(socket);
await close();
await say('transcript', { lines });
process.disconnect();
