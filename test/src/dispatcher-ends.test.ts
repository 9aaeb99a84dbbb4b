import { type Client, connect, type Port } from '@nicshare/client';
import test, { type ExecutionContext } from 'ava';
import { Child } from './support/child.js';
import { fakeOptions, PORTS, startFake } from './support/fake-dispatcher.js';
import { intactSequence, numberedPacket } from './support/packets.js';
import { scratchSocket } from './support/scratch.js';
import { until } from './support/until.js';

const PACKETS = 5;

async function client(t: ExecutionContext, socket: string): Promise<Client> {
  const connection = await connect({ socket });
  t.teardown(() => connection.close());
  return connection;
}

/** Counts what a `for await` yields until it ends. */
async function iterate(port: Port): Promise<number> {
  let count = 0;
  for await (const packets of port) count += packets.count;
  return count;
}

/** The port says everywhere that it is over, what had come can be read, and views outlive the mapping. */
async function seesTheEnd(t: ExecutionContext, port: Port): Promise<void> {
  t.true(port.isDetached);
  t.is(port.detachedReason?.code, 'DispatcherStopped');
  t.is(port.send(numberedPacket(PORTS.one, 0)), 'detached');
  t.is(port.txBurst(port.createTxBatch()), 0);
  t.is(port.reserve(port.createTxBatch()), 0);
  t.is(port.waitReadable(10_000), 'readable');

  const batch = port.createBatch();
  t.is(port.rxBurst(batch), PACKETS);
  for (let i = 0; i < PACKETS; i++) t.is(intactSequence(batch.packet(i), PORTS.one), i);
  const kept = batch.packet(0);
  port.release(batch);
  t.is(port.waitReadable(10_000), 'detached');
  t.false(await port.readable());
  t.false(await port.writable());
  t.is(await iterate(port), 0);
  await port.close();
  t.true(kept.every((byte) => byte === 0));
  t.true(batch.bytes.every((byte) => byte === 0));
  t.is(port.send(numberedPacket(PORTS.one, 0)), 'detached');
  t.is(port.rxBurst(batch), 0);
}

test.serial('a dispatcher that stops tells its clients, and nothing hangs', async (t) => {
  const host = await startFake(t);
  const connection = await client(t, host.socket);
  const disconnected = new Promise((resolve) => connection.once('disconnected', resolve));
  const idle = await connection.attach('two');
  const iterated = iterate(idle);
  const port = await connection.attach('one');
  const detached = new Promise<string | undefined>((resolve) => {
    port.once('detached', (reason) => resolve(reason?.code));
  });
  for (let i = 0; i < PACKETS; i++) host.wire.inject(numberedPacket(PORTS.one, i));
  await until('they have come', async () => (await host.queue('one')).totals.rxPackets === PACKETS);

  await host.dispatcher.close();
  t.is(await detached, 'DispatcherStopped');
  t.is(await iterated, 0);
  t.is(idle.detachedReason?.code, 'DispatcherStopped');
  await seesTheEnd(t, port);
  await disconnected;
  const error = await t.throwsAsync(connection.attach('one'));
  t.is(error?.name, 'DispatcherStopped');
});

test.serial('a client that waits with its thread blocked learns of the end', async (t) => {
  const socket = scratchSocket(t);
  const dispatcher = Child.start(t, 'dispatcher', [JSON.stringify(fakeOptions(socket))]);
  await dispatcher.next('ready');
  const port = await (await client(t, socket)).attach('one');
  dispatcher.tell('stop');
  t.is(port.waitReadable(60_000), 'detached');
  t.true(port.isDetached);
  await dispatcher.next('stopped');
});

for (const waiting of ['in readable()', 'in for await', 'blocked in waitReadable'])
  test.serial(
    `a dispatcher that is killed: clients are told, ${waiting}, and keep what had come`,
    async (t) => {
      const socket = scratchSocket(t);
      const dispatcher = Child.start(t, 'dispatcher', [JSON.stringify(fakeOptions(socket))]);
      await dispatcher.next('ready');
      const connection = await client(t, socket);
      const idle = await connection.attach('two');
      const port = await connection.attach('one');
      const detached = new Promise((resolve) => port.once('detached', resolve));
      dispatcher.tell('inject', { port: PORTS.one, first: 0, count: PACKETS });
      await dispatcher.next('injected');
      await until('they have come', async () => {
        const stats = (await connection.stats()) as { queues: { totals: { rxPackets: number } }[] };
        return stats.queues[0]!.totals.rxPackets === PACKETS;
      });

      const waits =
        waiting === 'in readable()'
          ? idle.readable()
          : waiting === 'in for await'
            ? iterate(idle)
            : undefined;
      process.kill(dispatcher.pid, 'SIGKILL');
      if (waits) t.is(Number(await waits), 0);
      else t.is(idle.waitReadable(60_000), 'detached');
      await detached;
      await seesTheEnd(t, port);
      await t.throwsAsync(connect({ socket }), { name: 'DispatcherNotRunning' });
    },
  );
