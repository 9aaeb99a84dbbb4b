import { existsSync } from 'node:fs';
import test from 'ava';
import { Bystander } from './support/bystander.js';
import { Child } from './support/child.js';
import { type FakeHost, PORTS, startFake } from './support/fake-dispatcher.js';
import { numberedPacket } from './support/packets.js';
import { until } from './support/until.js';

/** Injects packets for queue `one` as fast as the device takes them, while `going`. Returns how many it took. */
async function flow(host: FakeHost, going: () => boolean): Promise<number> {
  let sequence = 0;
  while (going()) {
    for (let i = 0; i < 32 && host.wire.inject(numberedPacket(PORTS.one, sequence)); i++) sequence++;
    await new Promise(setImmediate);
  }
  return sequence;
}

for (let round = 1; round <= 3; round++)
  test.serial(
    `a client killed in a burst (${round}): its memory comes back, its queue is free, nobody loses`,
    async (t) => {
      const host = await startFake(t);
      const bystander = await Bystander.attach(t, host);
      const before = (await host.dispatcher.stats()).memory.used;
      const client = Child.start(t, 'client', [host.socket, 'one', String(PORTS.one)]);
      await client.next('attached');
      t.true((await host.dispatcher.stats()).memory.used > before);
      client.tell('receive');

      let flowing = true;
      const flood = flow(host, () => flowing);
      await client.next('receiving');
      await client.kill('SIGKILL');
      // The kernel tells the dispatcher of a death shortly after it told us: until then the queue is busy.
      await until('the death is known', async () => (await host.queue('one')).client === null);
      const successor = await Bystander.attach(t, host, 'one');
      await bystander.exchange(256);
      flowing = false;
      t.true((await flood) > 0);

      t.false(successor.port.isDetached);
      await successor.close();
      await until('the memory is back', async () => (await host.dispatcher.stats()).memory.used === before);
      const stats = await host.dispatcher.stats();
      t.is(stats.ledgerErrors, 0);
      t.is(stats.queues[0]!.violations, 0);
      t.is(stats.queues[1]!.totals.rxPackets, bystander.received);
    },
  );

test.serial(
  'a client whose child keeps its control connection open: its own death ends its session',
  async (t) => {
    const host = await startFake(t);
    const bystander = await Bystander.attach(t, host);
    const client = Child.start(t, 'forking-client', [host.socket, 'one']);
    const heir = Number((await client.next('attached')).heir);
    t.teardown(() => process.kill(heir, 'SIGKILL'));
    await client.kill('SIGKILL');
    await until('the session ends', async () => (await host.queue('one')).client === null);
    t.true(existsSync(`/proc/${heir}`));
    const successor = await Bystander.attach(t, host, 'one');
    await successor.exchange();
    await bystander.exchange();
  },
);

test.serial(
  'a stopped client is not dead: its queue overflows and is counted, and it goes on afterwards',
  async (t) => {
    const host = await startFake(t);
    const bystander = await Bystander.attach(t, host);
    const client = Child.start(t, 'client', [host.socket, 'one', String(PORTS.one)]);
    await client.next('attached');
    client.tell('receive');
    client.signal('SIGSTOP');

    const injected = 1000;
    for (let sequence = 0; sequence < injected; sequence++) {
      await until('room in the device', () => host.wire.inject(numberedPacket(PORTS.one, sequence)));
      if (sequence % 32 === 0) await bystander.exchange(8);
    }
    await until('all were delivered or counted', async () => {
      const { rxPackets, rxDropRingFull, rxDropNoFrame } = (await host.queue('one')).totals;
      return rxPackets + rxDropRingFull + rxDropNoFrame === injected;
    });
    const { client: stopped, totals } = await host.queue('one');
    t.is(stopped?.pid, client.pid, 'it is still attached');
    t.true(totals.rxDropRingFull + totals.rxDropNoFrame > 0);
    t.true(totals.rxPackets >= 64, 'its ring is full');

    client.signal('SIGCONT');
    await client.next('receiving');
    await until(
      'it has taken what was in its ring',
      async () => (await host.queue('one')).client!.frames.inRing === 0,
    );
    t.true(host.wire.inject(numberedPacket(PORTS.one, injected)));
    await until('it takes what comes now', async () => {
      const queue = await host.queue('one');
      return queue.totals.rxPackets === totals.rxPackets + 1 && queue.client!.frames.inRing === 0;
    });
    client.tell('enough');
    const { count, last, intact } = await client.next('received');
    t.is(count, totals.rxPackets + 1);
    t.is(last, injected);
    t.true(intact);
    await bystander.exchange();
    t.is((await host.dispatcher.stats()).ledgerErrors, 0);
  },
);
