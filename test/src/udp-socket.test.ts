/* UDP sockets on a queue of the fake device, whose far side is the test. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, createUdpSocket, type Port, type UdpSocket, type UdpSocketOptions } from '@nicshare/client';
import test, { type ExecutionContext } from 'ava';
import { datagram, readDatagram, type Station } from './support/datagrams.js';
import { type FakeHost, startFake } from './support/fake-dispatcher.js';
import { FixedResolver } from './support/fixed-resolver.js';
import { until } from './support/until.js';

const OWN_IP = '10.78.0.1';
const FAR: Station = { mac: '02:00:00:00:78:02', ip: '10.78.0.2', port: 4000 };
const UDP_PORT = 1001;

interface Stage {
  readonly host: FakeHost;
  readonly port: Port;
  readonly resolver: FixedResolver;
  readonly own: Station;
  socket(options?: UdpSocketOptions): UdpSocket;
  /** A bound socket. */
  bound(udpPort?: number, options?: UdpSocketOptions): Promise<UdpSocket>;
  /** Sends text from the far side. */
  say(text: string, from?: Partial<Station>, to?: Partial<Station>): void;
  /** What was sent: datagrams with right checksums; fails the test for another frame. */
  sent(count: number): Promise<NonNullable<ReturnType<typeof readDatagram>>[]>;
}

async function stage(t: ExecutionContext): Promise<Stage> {
  const host = await startFake(t, { queues: [{ name: 'udp', match: { protocol: 'udp' } }] });
  const client = await connect({ socket: host.socket });
  t.teardown(() => client.close());
  const port = await client.attach('udp');
  const resolver = new FixedResolver(OWN_IP, { [FAR.ip]: FAR.mac });
  const own = { mac: port.mac, ip: OWN_IP, port: UDP_PORT };
  const socket = (options: UdpSocketOptions = {}): UdpSocket =>
    createUdpSocket(port, { resolver, ...options });
  const bound = async (udpPort = UDP_PORT, options = {}): Promise<UdpSocket> => {
    const one = socket(options).bind(udpPort);
    await once(one, 'listening');
    return one;
  };
  const say = (text: string, from = {}, to = {}): void => {
    host.wire.inject(datagram({ ...FAR, ...from }, { ...own, ...to }, Buffer.from(text)));
  };
  const sent = async (count: number) => {
    const frames: Uint8Array[] = [];
    await until(`${count} datagrams are sent`, () => {
      frames.push(...host.wire.capture());
      return frames.length >= count;
    });
    return frames.map((frame) => readDatagram(frame) ?? t.fail('a wrong frame') ?? ({} as never));
  };
  return { host, port, resolver, own, socket, bound, say, sent };
}

/** send, waiting for its callback; returns the error's code. */
const sending = (socket: UdpSocket, text: string, address: string, port = FAR.port): Promise<unknown> =>
  new Promise((resolve) => {
    socket.send(text, port, address, (error) =>
      resolve(error === null ? null : (error as { code?: string }).code),
    );
  });

test.serial('a datagram comes as a message, and its sender is answered', async (t) => {
  const { bound, say, sent } = await stage(t);
  const socket = await bound();
  socket.on('message', (message, { port, address }) => socket.send(`<${message}>`, port, address));
  say('one');
  say('', { port: 4001 });
  const [first, second] = await sent(2);
  const common = { toMac: '020000007802', from: `${OWN_IP}:${UDP_PORT}`, ttl: 64 };
  t.deepEqual(first, { ...common, to: '10.78.0.2:4000', text: '<one>' });
  t.deepEqual(second, { ...common, to: '10.78.0.2:4001', text: '<>' });
  t.like(socket.counters, { received: 2, sent: 2 });
});

test.serial('many datagrams come whole and in order, more than the rings hold', async (t) => {
  const { bound, say, sent } = await stage(t);
  const socket = await bound();
  socket.on('message', (message, { port, address }) => socket.send(message, port, address));
  const texts = Array.from({ length: 2000 }, (_, i) => `${i}:${'x'.repeat((i * 7) % 1400)}`);
  const answers: string[] = [];
  for (let i = 0; i < texts.length; i += 20) {
    for (const text of texts.slice(i, i + 20)) say(text);
    answers.push(...(await sent(20)).map(({ text }) => text));
  }
  t.deepEqual(answers, texts);
});

test.serial('each socket gets what goes to its port, and the rest is counted by reason', async (t) => {
  const { host, own, bound, say } = await stage(t);
  const texts: string[] = [];
  const one = await bound(1001);
  const two = await bound(1002);
  one.on('message', (message) => texts.push(`one ${message}`));
  two.on('message', (message) => texts.push(`two ${message}`));
  say('a', {}, { port: 1002 });
  say('b', {}, { port: 1001 });
  say('c', {}, { port: 1003 });
  say('d', {}, { ip: '10.78.0.9' });
  const frame = datagram(FAR, own, Buffer.from('e'));
  const damaged = Buffer.from(frame);
  damaged[42] = damaged[42]! ^ 1;
  host.wire.inject(damaged);
  say('end');
  await until('all came', () => texts.length === 3);
  t.deepEqual(texts, ['two a', 'one b', 'one end']);
  t.like(one.counters, { received: 3, rxNoSocket: 1, rxForeignAddress: 1, rxBadUdpChecksum: 1 });
});

test.serial('broadcasts come and go only after setBroadcast', async (t) => {
  const { bound, say, sent } = await stage(t);
  const socket = await bound();
  const texts: string[] = [];
  socket.on('message', (message) => texts.push(String(message)));
  const all = { mac: 'ff:ff:ff:ff:ff:ff', ip: '255.255.255.255' };
  say('deaf', {}, all);
  await until('it is counted', () => socket.counters.rxBroadcast === 1);
  t.is(await sending(socket, 'refused', all.ip), 'EACCES');
  socket.setBroadcast(true);
  say('heard', {}, all);
  await until('it came', () => texts.length > 0);
  t.deepEqual(texts, ['heard']);
  t.is(await sending(socket, 'to all', all.ip), null);
  t.like((await sent(1))[0], { toMac: 'ffffffffffff', to: '255.255.255.255:4000', text: 'to all' });
  t.like(socket.counters, { rxBroadcast: 1, txBroadcastRefused: 1 });
});

test.serial(
  "what is too long, has no route or no neighbour says so by its callback, in dgram's words",
  async (t) => {
    const { bound, resolver } = await stage(t);
    const socket = await bound();
    t.is(await sending(socket, 'x'.repeat(1473), FAR.ip), 'EMSGSIZE');
    t.is(await sending(socket, 'x', '192.0.2.1'), 'ENETUNREACH');
    t.is(await sending(socket, 'x', '224.0.0.251'), 'NotSupported');
    const lost = sending(socket, 'x', '10.78.0.3');
    await until('the neighbour is asked for', () => resolver.asked.length === 1);
    resolver.fail('10.78.0.3');
    t.is(await lost, 'EHOSTUNREACH');
    t.like(socket.counters, { sent: 0, txTooLong: 1, txUnreachable: 3 });
  },
);

test.serial('what waits for its neighbour is bounded, and sent in order when that answers', async (t) => {
  const { bound, resolver, sent } = await stage(t);
  const socket = await bound(UDP_PORT, { sendQueue: 3 });
  const results = ['1', '2', '3', '4'].map((text) => sending(socket, text, '10.78.0.3'));
  t.is(await results[3], 'ENOBUFS');
  t.is(socket.getSendQueueCount(), 3);
  t.is(socket.getSendQueueSize(), 3);
  resolver.learn('10.78.0.3', '02:00:00:00:78:03');
  t.deepEqual(await Promise.all(results), [null, null, null, 'ENOBUFS']);
  t.is(socket.getSendQueueCount(), 0);
  t.deepEqual(
    (await sent(3)).map(({ text, toMac }) => [text, toMac]),
    ['1', '2', '3'].map((text) => [text, '020000007803']),
  );
  t.deepEqual(resolver.asked, ['10.78.0.3']);
});

test.serial("a neighbour that has moved is noticed by the snapshot's generation", async (t) => {
  const { bound, resolver, sent } = await stage(t);
  const socket = await bound();
  t.is(await sending(socket, 'here', FAR.ip), null);
  resolver.learn(FAR.ip, '02:00:00:00:78:99');
  t.is(await sending(socket, 'there', FAR.ip), null);
  t.deepEqual(
    (await sent(2)).map(({ toMac }) => toMac),
    ['020000007802', '020000007899'],
  );
});

test.serial(
  'without free frames datagrams wait and go out in order; those beyond the queue are refused',
  async (t) => {
    const { bound, sent } = await stage(t);
    const socket = await bound(UDP_PORT, { sendQueue: 500 });
    let accepted = 0;
    let refused = 0;
    let number = 0;
    // Nothing is taken off the wire, so the rings fill up.
    while (refused === 0) {
      for (let i = 0; i < 50; i++)
        socket.send(String(number++), FAR.port, FAR.ip, (error) => {
          if (error === null) accepted++;
          else if (refused++ === 0) t.is((error as { code?: string }).code, 'ENOBUFS');
        });
      await delay(1);
    }
    t.is(socket.getSendQueueCount(), 500);
    const texts: number[] = [];
    while (texts.length < number - refused) texts.push(...(await sent(1)).map(({ text }) => Number(text)));
    t.deepEqual(
      texts,
      Array.from({ length: number - refused }, (_, i) => i),
    );
    await until('all callbacks came', () => accepted === number - refused);
    t.like(socket.counters, { sent: accepted, txQueueFull: refused });
  },
);

test.serial('a port belongs to one socket, and is free again after close', async (t) => {
  const { bound, socket } = await stage(t);
  const first = await bound();
  const second = socket().bind(UDP_PORT);
  const [error] = await once(second, 'error');
  t.is(error.code, 'EADDRINUSE');
  t.is(error.syscall, 'bind');
  const [foreign] = await once(socket().bind(1002, '10.78.0.77'), 'error');
  t.is(foreign.code, 'EADDRNOTAVAIL');
  first.close();
  await once(first, 'close');
  second.bind(UDP_PORT);
  await once(second, 'listening');
  t.deepEqual(second.address(), { address: '0.0.0.0', family: 'IPv4', port: UDP_PORT });
  const ephemeral = await bound(0);
  t.true(ephemeral.address().port >= 49_152);
});

test.serial('close calls back what waits, and a closed socket refuses', async (t) => {
  const { bound } = await stage(t);
  const socket = await bound();
  const waiting = sending(socket, 'x', '10.78.0.3');
  const closed = once(socket, 'close');
  socket.close();
  t.is(await waiting, 'ECANCELED');
  await closed;
  for (const call of [() => socket.close(), () => socket.send('x', 1, FAR.ip), () => socket.address()])
    t.throws(call, { code: 'ERR_SOCKET_DGRAM_NOT_RUNNING' });
  t.is(socket.counters.txCanceled, 1);
});

test.serial('the end of the session is an error with its reason, then a close', async (t) => {
  const { host, bound, port } = await stage(t);
  const socket = await bound();
  const events: string[] = [];
  socket.on('error', (error) => events.push((error as { code?: string }).code ?? ''));
  const closed = new Promise<void>((resolve) => socket.on('close', resolve));
  await host.dispatcher.close();
  await closed;
  t.deepEqual(events, ['DispatcherStopped']);
  const [error] = await once(createUdpSocket(port, { resolver: new FixedResolver(OWN_IP) }).bind(1), 'error');
  t.is(error.code, 'Detached');
});

test.serial('a handler that throws is an uncaught exception, and the next datagrams come', async (t) => {
  const { bound, say } = await stage(t);
  const socket = await bound();
  const texts: string[] = [];
  socket.on('message', (message) => {
    texts.push(String(message));
    if (texts.length === 1) throw new Error('of the handler');
  });
  const uncaught = new Promise<Error>((resolve) => {
    process.setUncaughtExceptionCaptureCallback(resolve);
  });
  t.teardown(() => process.setUncaughtExceptionCaptureCallback(null));
  say('one');
  say('two');
  t.is((await uncaught).message, 'of the handler');
  await until('the second came', () => texts.length === 2);
});

test.serial('a socket of another family is refused', async (t) => {
  const { port } = await stage(t);
  t.throws(() => createUdpSocket(port, 'udp6' as 'udp4'), { name: 'NotSupported' });
});
