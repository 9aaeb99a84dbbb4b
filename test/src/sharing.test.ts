/* Mode `shared`: packets are read where the device has put them; their frames are lent, returned and taken back. */
import { type Batch, type Client, connect, type Port } from '@nicshare/client';
import type { DispatcherOptions } from '@nicshare/dispatcher';
import type { FakeWireDescription } from '@nicshare/driver';
import test, { type ExecutionContext } from 'ava';
import { Bystander } from './support/bystander.js';
import { Child } from './support/child.js';
import { type FakeHost, PORTS, queues, sharedQueues, startFake } from './support/fake-dispatcher.js';
import { intactSequence, numberedPacket } from './support/packets.js';
import { until } from './support/until.js';

const CREDIT = 64;
const DEVICE_RING = 64;
/** RX frames of each ring of the device. */
const ALL = 2 * DEVICE_RING + 3 * CREDIT;

const startShared = (t: ExecutionContext, options: Partial<DispatcherOptions> = {}): Promise<FakeHost> =>
  startFake(t, {
    queues: sharedQueues(CREDIT),
    memory: { ringSize: 256, deviceRingSize: DEVICE_RING },
    ...options,
  });

async function attach(
  t: ExecutionContext,
  host: FakeHost,
  queue = 'one',
  debug = false,
): Promise<{ client: Client; port: Port }> {
  const client = await connect({ socket: host.socket, debug });
  t.teardown(() => client.close());
  return { client, port: await client.attach(queue) };
}

const inject = (host: FakeHost, packet: Buffer, ring = 0): Promise<void> =>
  until('room in the device', () => host.wire.inject(packet, ring));

const takeOne = (port: Port, batch: Batch): Promise<void> =>
  until('a packet', () => port.rxBurst(batch) === 1);

/** Injects packets for a port and takes each into a batch of its own, to hold its frame. */
async function hold(host: FakeHost, port: Port, count: number, ring = 0): Promise<Batch[]> {
  const batches = Array.from({ length: count }, () => port.createBatch(1));
  for (const [sequence, batch] of batches.entries()) {
    await inject(host, numberedPacket(PORTS.one, sequence), ring);
    await takeOne(port, batch);
  }
  return batches;
}

/** Waits until the device has all its frames again, none twice: its rings hold no more than they have slots. */
async function allFramesBack(t: ExecutionContext, { dispatcher }: FakeHost): Promise<void> {
  await until('all frames are with the device', async () => {
    const { deviceCounters, ledgerErrors } = await dispatcher.stats();
    t.is(ledgerErrors, 0);
    return deviceCounters.rings!.every(({ rxFree }) => rxFree === ALL);
  });
}

test.serial('a client reads its packets in the very memory that the device has put them into', async (t) => {
  const host = await startShared(t);
  const { port } = await attach(t, host);
  t.is(port.mode, 'shared');
  t.is(port.credit, CREDIT);
  const [batch] = await hold(host, port, 1);
  const [offset, length] = [batch!.offset[0]!, batch!.length[0]!];
  t.is(intactSequence(batch!.packet(0), PORTS.one), 0);
  const { base } = host.dispatcher.wire.description as FakeWireDescription;
  const device = new Uint8Array(host.dispatcher.wire.memory.buffer, base);
  t.deepEqual(device.slice(offset, offset + length), batch!.copy(0));
  device[offset + 50] = 0xee;
  t.is(batch!.packet(0)[50], 0xee, 'what the device writes, the client sees');
  port.release(batch!);
  await allFramesBack(t, host);
});

test.serial(
  'several clients get their packets, from several rings, and each frame finds its ring',
  async (t) => {
    const host = await startShared(t, { device: { driver: 'fake', rings: 2 } });
    const { port } = await attach(t, host);
    const bystander = await Bystander.attach(t, host, 'two');
    const batch = port.createBatch();
    for (let sequence = 0; sequence < 1000; sequence += 8) {
      for (let i = 0; i < 8; i++) await inject(host, numberedPacket(PORTS.one, sequence + i), i & 1);
      const seen: (number | undefined)[] = [];
      await until('all eight', () => {
        const count = port.rxBurst(batch);
        for (let i = 0; i < count; i++) seen.push(intactSequence(batch.packet(i), PORTS.one));
        port.release(batch);
        return seen.length === 8;
      });
      t.deepEqual(seen.toSorted(), Array.from({ length: 8 }, (_, i) => sequence + i).toSorted());
      await bystander.exchange(8);
    }
    await allFramesBack(t, host);
    const { rxPackets, rxDropNoCredit, rxDropNoFrame } = port.counters;
    t.deepEqual([rxPackets, rxDropNoCredit, rxDropNoFrame], [1000, 0, 0]);
  },
);

test.serial(
  'a client that holds all its credit loses its own packets alone, and goes on afterwards',
  async (t) => {
    const host = await startShared(t);
    const { port } = await attach(t, host);
    const bystander = await Bystander.attach(t, host, 'two');
    const held = await hold(host, port, CREDIT);
    t.is((await host.queue('one')).client!.frames.client, CREDIT);
    t.is((await host.queue('one')).client!.frames.free, 0);

    const lost = 5000;
    for (let sequence = 0; sequence < lost; sequence++) {
      await inject(host, numberedPacket(PORTS.one, sequence));
      if (sequence % 16 === 0) await bystander.exchange(32);
    }
    await until('all losses are counted', () => port.counters.rxDropNoCredit === lost);
    t.is(port.counters.rxPackets, CREDIT);
    t.true(bystander.received >= 10_000);
    for (const [sequence, batch] of held.entries())
      t.is(intactSequence(batch.packet(0), PORTS.one), sequence, 'what it holds nobody has overwritten');

    for (const batch of held) port.release(batch);
    await inject(host, numberedPacket(PORTS.one, 77));
    await takeOne(port, held[0]!);
    t.is(intactSequence(held[0]!.packet(0), PORTS.one), 77);
    port.release(held[0]!);
    await allFramesBack(t, host);
  },
);

test.serial('all clients may stall together: the device goes on for a client that does not', async (t) => {
  const host = await startShared(t);
  for (const name of ['one', 'three'] as const) {
    const { port } = await attach(t, host, name);
    for (let i = 0; i < CREDIT + 10; i++) await inject(host, numberedPacket(PORTS[name], i));
    await until('its credit is used up', () => port.counters.rxDropNoCredit === 10);
  }
  const bystander = await Bystander.attach(t, host, 'two');
  await bystander.exchange(2000);
  const { deviceCounters } = await host.dispatcher.stats();
  t.is(deviceCounters.rxDropped.noFrame, 0);
});

test.serial(
  'what a client holds comes back once when it leaves, and the next one has all its credit',
  async (t) => {
    const host = await startShared(t, { device: { driver: 'fake', rings: 2 } });
    for (let round = 0; round < 3; round++) {
      const { client, port } = await attach(t, host);
      const held = await hold(host, port, CREDIT, round & 1);
      // Some are on their way back, some with the client, some in its ring.
      for (const batch of held.slice(0, 20)) port.release(batch);
      for (let i = 0; i < 10; i++) await inject(host, numberedPacket(PORTS.one, i));
      await client.close();
      await until('the session is over', async () => (await host.queue('one')).client === null);
      await allFramesBack(t, host);
    }
  },
);

for (let round = 1; round <= 3; round++)
  test.serial(`a client killed in a burst (${round}): its frames come back, nobody loses`, async (t) => {
    const host = await startShared(t);
    const bystander = await Bystander.attach(t, host);
    const client = Child.start(t, 'client', [host.socket, 'one', String(PORTS.one)]);
    await client.next('attached');
    client.tell('receive');
    let flowing = true;
    const flood = (async () => {
      for (let sequence = 0; flowing; ) {
        for (let i = 0; i < 32 && host.wire.inject(numberedPacket(PORTS.one, sequence)); i++) sequence++;
        await new Promise(setImmediate);
      }
    })();
    await client.next('receiving');
    await client.kill('SIGKILL');
    await until('the death is known', async () => (await host.queue('one')).client === null);
    await bystander.exchange(256);
    flowing = false;
    await flood;
    await allFramesBack(t, host);
    const successor = await Bystander.attach(t, host, 'one');
    await successor.exchange();
    t.is((await host.queue('one')).violations, 0);
  });

test.serial('a stopped client holds its credit and no more until it goes on', async (t) => {
  const host = await startShared(t);
  const bystander = await Bystander.attach(t, host);
  const client = Child.start(t, 'client', [host.socket, 'one', String(PORTS.one)]);
  await client.next('attached');
  client.signal('SIGSTOP');
  const injected = 1000;
  for (let sequence = 0; sequence < injected; sequence++) {
    await inject(host, numberedPacket(PORTS.one, sequence));
    if (sequence % 32 === 0) await bystander.exchange(8);
  }
  await until('all were delivered or counted', async () => {
    const { rxPackets, rxDropNoCredit } = (await host.queue('one')).totals;
    return rxPackets === CREDIT && rxPackets + rxDropNoCredit === injected;
  });
  t.is((await host.queue('one')).client!.frames.inRing, CREDIT);
  client.signal('SIGCONT');
  client.tell('receive');
  await client.next('receiving');
  client.tell('enough');
  const { count, intact } = await client.next('received');
  t.is(count, CREDIT);
  t.true(intact);
  await allFramesBack(t, host);
});

test.serial('what has come can be sent on', async (t) => {
  const host = await startShared(t);
  const { port } = await attach(t, host);
  const batch = port.createBatch();
  const sent: Uint8Array[] = [];
  for (const length of [60, 61, 64, 127, 128, 129, 1000, 1514]) {
    const packet = numberedPacket(PORTS.one, length, length);
    await inject(host, packet);
    await takeOne(port, batch);
    t.is(port.txBurst(batch), 1);
    port.release(batch);
    sent.push(new Uint8Array(packet));
  }
  const captured: Uint8Array[] = [];
  await until('all are out', () => captured.push(...host.wire.capture()) >= sent.length);
  t.deepEqual(captured, sent);
  await allFramesBack(t, host);
});

test.serial('in debug mode the offsets of a released batch lead nowhere', async (t) => {
  const host = await startShared(t);
  const { port } = await attach(t, host, 'one', true);
  const [batch] = await hold(host, port, 1);
  t.is(typeof batch!.bytes[batch!.offset[0]!], 'number');
  port.release(batch!);
  t.is<number | undefined, undefined>(batch!.bytes[batch!.offset[0]!], undefined);
});

test.serial('when the dispatcher ends its clients keep what they have received', async (t) => {
  const host = await startShared(t);
  const { port } = await attach(t, host);
  const [batch] = await hold(host, port, 1);
  host.wire.close();
  await host.dispatcher.close();
  await until('the port is told', () => port.isDetached);
  t.is(intactSequence(batch!.packet(0), PORTS.one), 0);
  t.notThrows(() => port.release(batch!));
  await port.close();
  t.is(batch!.bytes[0], 0, 'a view that is used after close reads zeros');
});

test.serial('both modes on one device: each client gets its packets, and the operator is told', async (t) => {
  const [one, two, three] = sharedQueues(CREDIT);
  const host = await startShared(t, { queues: [one!, { ...queues()[1]! }, three!] });
  const lines = host.notes.filter((line) => /can read all packets that the device's rings hold/.test(line));
  t.is(lines.length, 1);
  t.regex(lines[0]!, /\('one', 'three'\)/);
  t.regex(lines[0]!, /cannot be taken back/);
  t.is(two!.name, 'two');
  const bystanders = [];
  for (const name of ['one', 'two', 'three'] as const) bystanders.push(await Bystander.attach(t, host, name));
  t.deepEqual(
    bystanders.map(({ port }) => port.mode),
    ['shared', 'isolated', 'shared'],
  );
  for (let round = 0; round < 20; round++) await Promise.all(bystanders.map((each) => each.exchange(100)));
  await until('all frames are back', async () => {
    const { rings } = (await host.dispatcher.stats()).deviceCounters;
    return rings![0]!.rxFree === ALL - CREDIT;
  });
});

test.serial('queues in mode shared for one group need no note, for two they do', async (t) => {
  const notes = async (own: readonly (number | undefined)[]): Promise<readonly string[]> => {
    const list = sharedQueues(CREDIT).map((queue, i) => ({
      ...queue,
      ...(own[i] !== undefined && { allow: { users: [own[i]] } }),
    }));
    return (await startShared(t, { queues: list })).notes.filter((line) => /can read all/.test(line));
  };
  t.is((await notes([])).length, 0);
  t.is((await notes([7, 7, 7])).length, 0);
  t.is((await notes([7, 7, 8])).length, 1);
  t.is((await notes([7])).length, 1);
});
