import { existsSync, writeFileSync } from 'node:fs';
import { connect } from '@nicshare/client';
import { createDispatcher } from '@nicshare/dispatcher';
import { isNicshareError, type NicshareError } from '@nicshare/shm';
import test, { type ExecutionContext } from 'ava';
import { Bystander } from './support/bystander.js';
import { Child } from './support/child.js';
import { type FakeHost, fakeOptions, PORTS, queues, startFake } from './support/fake-dispatcher.js';
import { canBecomeNobody, NOBODY } from './support/nobody.js';
import { scratchSocket } from './support/scratch.js';

const asNobody = canBecomeNobody ? test.serial : test.serial.skip;
const title = (text: string): string =>
  canBecomeNobody ? text : `${text} (skipped: only root can run a client as another user)`;

/** Runs what must be refused: with this code, a sentence, and something to do. */
async function refused(
  t: ExecutionContext,
  code: string,
  run: () => Promise<unknown>,
): Promise<NicshareError> {
  const error = await t.throwsAsync(run);
  if (!isNicshareError(error)) throw error;
  t.is<string, string>(error.code, code);
  sentence(t, error.message, error.action);
  return error;
}

function sentence(t: ExecutionContext, message: unknown, action: unknown): void {
  t.regex(String(message), /^[A-Z'].{15,}\.$/s);
  t.regex(String(action), /^[A-Z].{9,}\.?$/s);
  t.true(String(message).includes(String(action)));
}

async function attach(t: ExecutionContext, host: FakeHost, queue: string): Promise<unknown> {
  const client = await connect({ socket: host.socket });
  t.teardown(() => client.close());
  return client.attach(queue);
}

test.serial('an unknown queue: NoSuchQueue names those that exist', async (t) => {
  const host = await startFake(t);
  const error = await refused(t, 'NoSuchQueue', () => attach(t, host, 'nope'));
  t.regex(error.action, /one, two, three/);
  t.is((await host.dispatcher.stats()).refusals.NoSuchQueue, 1);
});

test.serial(
  'a second attach: QueueBusy, from the same client, another client and another process',
  async (t) => {
    const host = await startFake(t);
    const client = await connect({ socket: host.socket });
    t.teardown(() => client.close());
    const port = await client.attach('one');
    await refused(t, 'QueueBusy', () => client.attach('one'));
    const error = await refused(t, 'QueueBusy', () => attach(t, host, 'one'));
    t.regex(error.message, new RegExp(`process ${process.pid}`));
    const other = Child.start(t, 'client', [host.socket, 'one', String(PORTS.one)]);
    const { code, message, action } = await other.next('refused');
    t.is(code, 'QueueBusy');
    sentence(t, message, action);
    t.is((await host.dispatcher.stats()).refusals.QueueBusy, 3);
    await port.close();
    await t.notThrowsAsync(attach(t, host, 'one'));
  },
);

test.serial('two attaches at once: one gets the queue, the other QueueBusy', async (t) => {
  const host = await startFake(t);
  const client = await connect({ socket: host.socket });
  t.teardown(() => client.close());
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => client.attach('one')));
  t.is(results.filter(({ status }) => status === 'fulfilled').length, 1);
  for (const result of results)
    if (result.status === 'rejected') t.is((result.reason as NicshareError).code, 'QueueBusy');
});

const ALLOWED: Record<string, { users?: (string | number)[]; groups?: (string | number)[] }> = {
  'the user by number': { users: [NOBODY] },
  'the user by name': { users: ['nobody'] },
  'the group by number': { groups: [NOBODY] },
  'the group by name': { groups: ['nogroup'] },
};
const NOT_ALLOWED: typeof ALLOWED = {
  'another user by number': { users: [12345] },
  'another user by name': { users: ['daemon'] },
  'another group by number': { groups: [12345] },
  'another group by name': { groups: ['daemon'] },
  nobody: {},
};

const hostThatAllows = (t: ExecutionContext, allow: (typeof ALLOWED)[string]): Promise<FakeHost> =>
  startFake(t, { queues: queues().map((queue) => ({ ...queue, allow })) });

for (const [who, allow] of Object.entries(ALLOWED))
  asNobody(title(`a queue that allows ${who} can be attached by it`), async (t) => {
    const host = await hostThatAllows(t, allow);
    const client = Child.start(t, 'client', [host.socket, 'one', String(PORTS.one), 'nobody']);
    t.false((await client.next('attached')).trusted);
    const { client: attached } = await host.queue('one');
    t.is(attached?.uid, NOBODY);
    t.is(attached?.pid, client.pid);
  });

for (const [who, allow] of Object.entries(NOT_ALLOWED))
  asNobody(title(`a queue that allows ${who} cannot: NotAllowed`), async (t) => {
    const host = await hostThatAllows(t, allow);
    const client = Child.start(t, 'client', [host.socket, 'one', String(PORTS.one), 'nobody']);
    const { code, message, action } = await client.next('refused');
    t.is(code, 'NotAllowed');
    sentence(t, message, action);
    t.is((await host.dispatcher.stats()).refusals.NotAllowed, 1);
    await t.notThrowsAsync(attach(t, host, 'one'), 'root may, and at once');
  });

asNobody(title('a socket that the user may not open: NotAllowed'), async (t) => {
  const host = await startFake(t, { socket: { mode: '0660', group: 0 } });
  const client = Child.start(t, 'client', [host.socket, 'one', String(PORTS.one), 'nobody']);
  const { code, message, action } = await client.next('refused');
  t.is(code, 'NotAllowed');
  sentence(t, message, action);
});

test.serial(
  "a client that runs as the dispatcher's own user may attach anywhere, and is named trusted",
  async (t) => {
    const host = await hostThatAllows(t, {});
    t.true((await Bystander.attach(t, host)).port.trusted);
    t.true((await host.queue('two')).client?.trusted);
  },
);

test.serial('a user or group that does not exist: ConfigInvalid', async (t) => {
  for (const allow of [{ users: ['no-such-user'] }, { groups: ['no-such-group'] }])
    await refused(t, 'ConfigInvalid', () => hostThatAllows(t, allow));
});

test.serial('no socket file: DispatcherNotRunning', async (t) => {
  const socket = scratchSocket(t);
  await refused(t, 'DispatcherNotRunning', () => connect({ socket }));
});

test.serial(
  'a killed dispatcher leaves its socket: DispatcherNotRunning, and a new one starts over it',
  async (t) => {
    const socket = scratchSocket(t);
    const killed = Child.start(t, 'dispatcher', [JSON.stringify(fakeOptions(socket))]);
    await killed.next('ready');
    await killed.kill('SIGKILL');
    t.true(existsSync(socket));
    await refused(t, 'DispatcherNotRunning', () => connect({ socket }));
    const host = await startFake(t, {}, socket);
    await (await Bystander.attach(t, host)).exchange();
  },
);

test.serial('a second dispatcher at the same socket: DispatcherRunning, and the first goes on', async (t) => {
  const host = await startFake(t);
  const bystander = await Bystander.attach(t, host);
  await refused(t, 'DispatcherRunning', () => createDispatcher(fakeOptions(host.socket)));
  const other = Child.start(t, 'dispatcher', [JSON.stringify(fakeOptions(host.socket))]);
  t.is((await other.next('failed')).code, 'DispatcherRunning');
  await bystander.exchange();
  await (await Bystander.attach(t, host, 'one')).exchange();
});

test.serial('a file that is no socket stands in the way: SocketUnusable, and the file stays', async (t) => {
  const socket = scratchSocket(t);
  writeFileSync(socket, 'precious');
  await refused(t, 'SocketUnusable', () => createDispatcher(fakeOptions(socket)));
  t.true(existsSync(socket));
});

test.serial('a socket path that is too long: SocketUnusable', async (t) => {
  const socket = `${scratchSocket(t)}${'x'.repeat(120)}`;
  await refused(t, 'SocketUnusable', () => createDispatcher(fakeOptions(socket)));
});

test.serial('a budget that is used up: OutOfMemory; a detach makes room', async (t) => {
  const host = await startFake(t, {
    memory: { ringSize: 64, frames: 128, hugepages: 'never', budget: '4MiB' },
  });
  const client = await connect({ socket: host.socket });
  t.teardown(() => client.close());
  const port = await client.attach('one');
  await refused(t, 'OutOfMemory', () => client.attach('two'));
  t.is((await host.dispatcher.stats()).memory.used, 4 * 2 ** 20);
  await port.close();
  await t.notThrowsAsync(client.attach('two'));
});

test.serial('a closed client: Closed', async (t) => {
  const host = await startFake(t);
  const client = await connect({ socket: host.socket });
  await client.close();
  await refused(t, 'Closed', () => client.attach('one'));
});
