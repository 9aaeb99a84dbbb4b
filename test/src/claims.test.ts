import { openSync, readdirSync } from 'node:fs';
import {
  claimAnswer,
  connectUnix,
  decode,
  descriptorSocketPath,
  encode,
  receiveDescriptors,
  sendDescriptors,
} from '@nicshare/shm';
import { EPERM, libc, type SystemError } from '@nicshare/shm/sys';
import test, { type ExecutionContext } from 'ava';
import { Bystander } from './support/bystander.js';
import { Child } from './support/child.js';
import { type FakeHost, startFake } from './support/fake-dispatcher.js';
import { asNobody, withRoot } from './support/other-user.js';
import { RawControl } from './support/raw-control.js';
import { claimAnswered, RawSession, requestToken, sendClaim } from './support/raw-session.js';
import { until } from './support/until.js';

const STRANGERS = 200;
const UNKNOWN = 'f'.repeat(32);

const claimOf = (token: string): Buffer => encode({ type: 'claim', token });
const refusals = async (host: FakeHost): Promise<number> =>
  (await host.dispatcher.stats()).refusals.ProtocolViolation ?? 0;

async function control(t: ExecutionContext, host: FakeHost): Promise<RawControl> {
  const connection = await RawControl.greeted(host.socket);
  t.teardown(() => connection.close());
  return connection;
}

/** Sends a claim and returns the refusal's code; the connection must carry no descriptor. */
async function refusal(
  t: ExecutionContext,
  host: FakeHost,
  bytes: Uint8Array,
  fds: number[] = [],
): Promise<string> {
  const fd = sendClaim(host.socket, bytes, fds);
  const answer = await claimAnswered(fd);
  libc.close(fd);
  if (typeof answer === 'string') return answer;
  t.deepEqual(answer.descriptors, []);
  const decoded = decode(claimAnswer, answer.bytes);
  return decoded.type === 'refused' ? decoded.code : decoded.type;
}

/** The queue can be attached at once, by somebody else. */
async function attachable(t: ExecutionContext, host: FakeHost): Promise<void> {
  const client = await Bystander.attach(t, host, 'one');
  await client.exchange(32);
}

const WRONG: Record<string, Uint8Array> = {
  'a token that nobody issued': claimOf(UNKNOWN),
  'a token of a wrong length': claimOf('abc'),
  garbage: Buffer.from('not msgpack at all'),
  'one byte': Uint8Array.of(0xc1),
  'a message of the control channel': encode({ type: 'hello', version: 1 }),
  'a claim with an unknown field': encode({ type: 'claim', token: UNKNOWN, uid: 0 }),
  'a claim that is too long': Buffer.alloc(4096, 0x90),
};

for (const [what, bytes] of Object.entries(WRONG))
  test.serial(`${what} on the descriptor socket: refused and counted; others go on`, async (t) => {
    const host = await startFake(t);
    const bystander = await Bystander.attach(t, host);
    t.is(await refusal(t, host, bytes), 'ProtocolViolation');
    t.is(await refusals(host), 1);
    await bystander.exchange();
    await attachable(t, host);
  });

test.serial('a token is good for one claim', async (t) => {
  const host = await startFake(t);
  const token = await requestToken(await control(t, host), 'one');
  const first = sendClaim(host.socket, claimOf(token));
  const answer = await claimAnswered(first);
  if (typeof answer === 'string') return t.fail(answer);
  t.is(answer.descriptors.length, 3);
  for (const fd of [first, ...answer.descriptors]) libc.close(fd);
  t.is(await refusal(t, host, claimOf(token)), 'ProtocolViolation');
});

test.serial('a token expires, and ends with its connection', async (t) => {
  const host = await startFake(t);
  const asker = await control(t, host);
  const token = await requestToken(asker, 'one');
  const other = await control(t, host);
  const lost = await requestToken(other, 'two');
  other.close();
  await until('the token of the closed connection ends', async () => {
    return (await refusal(t, host, claimOf(lost))) === 'ProtocolViolation';
  });
  await new Promise((resolve) => setTimeout(resolve, 5_500));
  t.is(await refusal(t, host, claimOf(token)), 'ProtocolViolation');
  await attachable(t, host);
});

test.serial('silence and a hang-up on the descriptor socket are no harm', async (t) => {
  const host = await startFake(t);
  const bystander = await Bystander.attach(t, host);
  const silent = connectUnix(descriptorSocketPath(host.socket));
  const gone = connectUnix(descriptorSocketPath(host.socket));
  libc.close(gone);
  await bystander.exchange();
  await attachable(t, host);
  await until('the dispatcher loses patience', async () => (await refusals(host)) >= 2);
  t.is(receiveDescriptors(silent, 64), 'closed');
  libc.close(silent);
});

test.serial('a flood of silent connections keeps no claim out', async (t) => {
  const host = await startFake(t);
  const path = descriptorSocketPath(host.socket);
  const strangers: number[] = [];
  t.teardown(() => {
    for (const fd of strangers) libc.close(fd);
  });
  while (strangers.length < STRANGERS) {
    strangers.push(connectUnix(path));
    if (strangers.length % 32 === 0) await new Promise(setImmediate);
  }
  await t.notThrowsAsync(attachable(t, host));
});

asNobody(withRoot('a flood of connections of one user keeps no claim of another out'), async (t) => {
  const host = await startFake(t);
  const hoarder = Child.start(t, 'socket-hoarder', [host.socket, 'descriptor']);
  await hoarder.next('hoarding');
  for (let round = 0; round < 10; round++) {
    const client = await Bystander.attach(t, host, 'one');
    await client.exchange(8);
    await client.close();
    await until('the queue is free', async () => (await host.queue('one')).client === null);
  }
  t.is(hoarder.end, null);
});

/** Descriptors that a dispatcher may open meanwhile for itself. */
const SPARE = 20;
const openDescriptors = (): number => readdirSync('/proc/self/fd').length;

/** Claims with descriptors; the kernel may refuse to send them (SO_PASSRIGHTS). */
async function claimWith(t: ExecutionContext, host: FakeHost, descriptors: number[]): Promise<void> {
  try {
    t.is(await refusal(t, host, claimOf(UNKNOWN), descriptors), 'ProtocolViolation');
  } catch (error) {
    t.is((error as SystemError).errno, EPERM);
  }
}

test.serial('descriptors that come with a claim are refused or closed, few or too many', async (t) => {
  const host = await startFake(t);
  const file = openSync('/dev/null', 'r');
  await attachable(t, host);
  const before = openDescriptors();
  for (let i = 0; i < 50; i++) {
    await claimWith(t, host, Array(8).fill(file));
    await claimWith(t, host, Array(100).fill(file));
  }
  await until('the descriptors are closed', () => openDescriptors() < before + SPARE);
  libc.close(file);
  t.pass();
});

test.serial('a hang-up between claim and answer frees the queue', async (t) => {
  const host = await startFake(t);
  const asker = await control(t, host);
  for (let i = 0; i < 20; i++) {
    const fd = connectUnix(descriptorSocketPath(host.socket));
    sendDescriptors(fd, claimOf(await requestToken(asker, 'one')), []);
    libc.close(fd);
    await until('the session has come and gone', async () => {
      const { client } = await host.queue('one');
      return client === null && host.attached === i + 1;
    });
  }
  await attachable(t, host);
  t.is((await host.dispatcher.stats()).ledgerErrors, 0);
});

test.serial('who asks for a queue and never claims it keeps nobody out', async (t) => {
  const host = await startFake(t);
  const asker = await control(t, host);
  const token = await requestToken(asker, 'one');
  await attachable(t, host);
  t.is(await refusal(t, host, claimOf(token)), 'QueueBusy');
});

test.serial('a connection that asks without end and claims nothing is refused', async (t) => {
  const host = await startFake(t);
  const asker = await control(t, host);
  for (let id = 0; id < 100; id++) asker.send({ type: 'attach', id, queue: 'one' });
  t.is((await asker.next('refused')).code, 'ProtocolViolation');
  await attachable(t, host);
});

test.serial('a granted session lives as long as its connection, not as its claim', async (t) => {
  const host = await startFake(t);
  const session = await RawSession.attach(host.socket, 'one');
  t.is((await host.queue('one')).client?.session, session.grant.session);
  session.close();
  await until('the session ends', async () => (await host.queue('one')).client === null);
  await attachable(t, host);
});
