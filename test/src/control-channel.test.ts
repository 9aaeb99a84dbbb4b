import { frame, MAX_CLIENT_MESSAGE, PROTOCOL_VERSION } from '@nicshare/shm';
import test, { type ExecutionContext } from 'ava';
import { Bystander } from './support/bystander.js';
import { Child } from './support/child.js';
import { type FakeHost, startFake } from './support/fake-dispatcher.js';
import { asNobody, withRoot } from './support/other-user.js';
import { RawControl } from './support/raw-control.js';
import { RawSession } from './support/raw-session.js';
import { until } from './support/until.js';

const GREETING = { type: 'hello', version: PROTOCOL_VERSION };
const STRANGERS = 1200;

async function open(t: ExecutionContext, host: FakeHost): Promise<RawControl> {
  const control = await RawControl.open(host.socket);
  t.teardown(() => control.close());
  return control;
}

const refusals = async (host: FakeHost, code: string): Promise<number> =>
  (await host.dispatcher.stats()).refusals[code] ?? 0;

/** A length before bytes that are as long, or not. */
function withLength(length: number, bytes: Uint8Array): Buffer {
  const framed = Buffer.alloc(4 + bytes.length);
  framed.writeUInt32LE(length);
  framed.set(bytes, 4);
  return framed;
}

const noise = Buffer.from('c1c1c1c1ff00ff00', 'hex');

/** What a hostile client says instead of, or after, the greeting; how it is refused. */
const WRONG: Record<string, { greeted?: boolean; say: (control: RawControl) => void; code?: string }> = {
  'bytes that are no msgpack': { say: (c) => c.sendBytes(withLength(noise.length, noise)) },
  'an empty message': { say: (c) => c.sendBytes(withLength(0, new Uint8Array())) },
  'a message that is no map': { say: (c) => c.send([1, 2, 3] as never) },
  'an unknown type': { greeted: true, say: (c) => c.send({ type: 'reboot', id: 1 }) },
  'an unknown field': { greeted: true, say: (c) => c.send({ type: 'stats', id: 1, more: true }) },
  'a missing field': { greeted: true, say: (c) => c.send({ type: 'attach', id: 1 }) },
  'a field of a wrong type': { greeted: true, say: (c) => c.send({ type: 'attach', id: 1, queue: 7 }) },
  'a negative id': { greeted: true, say: (c) => c.send({ type: 'stats', id: -1 }) },
  'a name that is too long': {
    greeted: true,
    say: (c) => c.send({ type: 'attach', id: 1, queue: 'x'.repeat(65) }),
  },
  'a length beyond the limit': { say: (c) => c.sendBytes(withLength(MAX_CLIENT_MESSAGE + 1, noise)) },
  'a length of four gigabytes': { say: (c) => c.sendBytes(withLength(0xffffffff, noise)) },
  'attach before hello': { say: (c) => c.send({ type: 'attach', id: 1, queue: 'one' }) },
  'resolve before hello': { say: (c) => c.send({ type: 'resolve', id: 1, address: '10.0.0.1' }) },
  'an address that is too long': {
    greeted: true,
    say: (c) => c.send({ type: 'resolve', id: 1, address: '1'.repeat(46) }),
  },
  'stats before hello': { say: (c) => c.send({ type: 'stats', id: 1 }) },
  'hello twice': { greeted: true, say: (c) => c.send(GREETING) },
  'another version': {
    say: (c) => c.send({ type: 'hello', version: PROTOCOL_VERSION + 1 }),
    code: 'VersionMismatch',
  },
};

for (const [what, { greeted, say, code = 'ProtocolViolation' }] of Object.entries(WRONG))
  test.serial(`${what}: refused with ${code}, counted, hung up; others go on`, async (t) => {
    const host = await startFake(t);
    const bystander = await Bystander.attach(t, host);
    const control = await open(t, host);
    if (greeted) {
      control.send(GREETING);
      await control.next('welcome');
    }
    say(control);
    const refused = await control.next('refused');
    t.is(refused.code, code);
    t.true(refused.message.length > 10);
    t.true(refused.action.length > 10);
    await control.hungUp();
    t.is(await refusals(host, code), 1);
    await bystander.exchange();
  });

test.serial('half a message, then a hang-up: counted; others go on', async (t) => {
  const host = await startFake(t);
  const bystander = await Bystander.attach(t, host);
  const control = await open(t, host);
  control.sendBytes(withLength(100, noise));
  control.socket.end();
  await until('the refusal is counted', async () => (await refusals(host, 'ProtocolViolation')) === 1);
  await t.notThrowsAsync(bystander.exchange());
});

test.serial('a message that comes byte by byte is understood', async (t) => {
  const host = await startFake(t);
  const control = await open(t, host);
  for (const byte of frame(GREETING)) {
    control.sendBytes(Uint8Array.of(byte));
    await new Promise(setImmediate);
  }
  t.is((await control.next('welcome')).version, PROTOCOL_VERSION);
});

test.serial('nothing is heard after a refused message of the same write', async (t) => {
  const host = await startFake(t);
  const control = await open(t, host);
  const attach = { type: 'attach', id: 1, queue: 'one' };
  control.sendBytes(Buffer.concat([frame(attach), frame(GREETING), frame(attach)]));
  await control.hungUp();
  t.true(control.has('refused'));
  t.false(control.has('granted'));
  t.false(control.has('welcome'));
});

test.serial("nobody detaches another connection's session", async (t) => {
  const host = await startFake(t);
  const bystander = await Bystander.attach(t, host);
  const thief = await RawControl.greeted(host.socket);
  t.teardown(() => thief.close());
  thief.send({ type: 'detach', id: 5, session: bystander.port.session });
  const refused = await thief.next('refused');
  t.is(refused.code, 'ProtocolViolation');
  t.is(refused.id, 5);
  t.is(await refusals(host, 'ProtocolViolation'), 1);
  t.false(bystander.port.isDetached);
  await bystander.exchange();
});

test.serial('a broken message ends the sessions of its connection, and the queue is free', async (t) => {
  const host = await startFake(t);
  const session = await RawSession.attach(host.socket, 'one');
  session.control.sendBytes(withLength(noise.length, noise));
  await session.control.hungUp();
  await until('the queue is free', async () => (await host.queue('one')).client === null);
  session.close();
  const again = await RawSession.attach(host.socket, 'one');
  t.is(again.grant.queue, 'one');
  again.close();
});

test.serial('a flood of connections that say nothing keeps nobody out', async (t) => {
  const host = await startFake(t);
  const bystander = await Bystander.attach(t, host);
  const strangers: RawControl[] = [];
  t.teardown(() => {
    for (const stranger of strangers) stranger.close();
  });
  for (let i = 0; i < STRANGERS; i++) strangers.push(await RawControl.open(host.socket));
  await bystander.exchange();
  const newcomer = await Bystander.attach(t, host, 'three');
  await newcomer.exchange();
  t.true((await refusals(host, 'ProtocolViolation')) > 0);
});

test.serial('a client that asks without end and reads no answer is cut off; others go on', async (t) => {
  const host = await startFake(t);
  const bystander = await Bystander.attach(t, host);
  const control = await RawControl.greeted(host.socket);
  t.teardown(() => control.close());
  control.socket.pause();
  let cut = false;
  control.socket.once('close', () => {
    cut = true;
  });
  const burst = Buffer.concat(
    Array.from({ length: 200 }, (_, id) => frame({ type: 'attach', id, queue: 'x'.repeat(64) })),
  );
  await until('the dispatcher cuts it off', async () => {
    if (control.socket.writableLength === 0) control.sendBytes(burst);
    await bystander.exchange(8);
    return cut;
  });
  await t.notThrowsAsync(bystander.exchange());
});

test.serial('clients that ask for counters without end keep nobody out', async (t) => {
  const host = await startFake(t);
  const burst = Buffer.concat(Array.from({ length: 1000 }, (_, id) => frame({ type: 'stats', id })));
  const askers = await Promise.all(Array.from({ length: 20 }, () => RawControl.greeted(host.socket)));
  for (const asker of askers) asker.sendBytes(burst);
  const newcomer = await Bystander.attach(t, host, 'three');
  await newcomer.exchange();
  t.true(askers.some((asker) => !asker.has('refused')));
  for (const asker of askers) asker.close();
});

test.serial('a refused client that does not hang up is hung up on, and its sessions end', async (t) => {
  const host = await startFake(t);
  const session = await RawSession.attach(host.socket, 'one');
  session.control.socket.allowHalfOpen = true;
  session.control.sendBytes(withLength(noise.length, noise));
  await until('the queue is free', async () => (await host.queue('one')).client === null);
  // It was sent before the session ended; it may come after this process has seen the end.
  await t.notThrowsAsync(until('the refusal has come', () => session.control.has('refused')));
  session.close();
});

asNobody(withRoot('one user cannot take all connections'), async (t) => {
  const host = await startFake(t);
  const hoarder = Child.start(t, 'socket-hoarder', [host.socket, 'control']);
  const { greeted, refused } = await hoarder.next('hoarding');
  t.is(greeted, 64);
  t.is(refused, 'NotAllowed');
  await (await Bystander.attach(t, host)).exchange();
});
