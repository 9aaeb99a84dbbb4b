import { setTimeout as delay } from 'node:timers/promises';
import { connect, type Port } from '@nicshare/client';
import test, { type ExecutionContext } from 'ava';
import { type FakeHost, PORTS, startFake } from './support/fake-dispatcher.js';
import { numberedPacket } from './support/packets.js';
import { until } from './support/until.js';

/** How an application receives: bursts, the iterator, events, a blocking wait, and what it may do with a batch. */

async function attach(t: ExecutionContext, debug = false): Promise<{ host: FakeHost; port: Port }> {
  const host = await startFake(t);
  const client = await connect({ socket: host.socket, debug });
  t.teardown(() => client.close());
  return { host, port: await client.attach('one') };
}

const packetOf = (sequence: number): Uint8Array => new Uint8Array(numberedPacket(PORTS.one, sequence));

const send = (host: FakeHost, from: number, count: number): void => {
  for (let i = from; i < from + count; i++) host.wire.inject(packetOf(i));
};

test.serial('a burst takes what waits, in order; frames come back by release', async (t) => {
  const { host, port } = await attach(t);
  const batch = port.createBatch(16);
  t.is(port.rxBurst(batch), 0);
  let next = 0;
  // Several times the session's frames: without release they would run out.
  for (let turn = 0; turn < 40; turn++) {
    send(host, turn * 16, 16);
    for (let left = 16; left > 0; ) {
      t.true(await port.readable());
      const count = port.rxBurst(batch);
      for (let i = 0; i < count; i++) t.deepEqual(batch.copy(i), packetOf(next++));
      left -= count;
      port.release(batch);
    }
  }
  t.is(port.counters.rxPackets, 640);
  t.is(port.counters.rxDropNoFrame + port.counters.rxDropRingFull, 0);
});

test.serial('frames that are not released run out: the packets are lost and counted', async (t) => {
  const { host, port } = await attach(t);
  const { total } = (await host.queue('one')).client!.frames;
  const held = Array.from({ length: total }, () => port.createBatch(1));
  for (const batch of held) {
    send(host, 0, 1);
    t.true(await port.readable());
    port.rxBurst(batch);
  }
  send(host, 0, 10);
  await until('the loss is counted', () => port.counters.rxDropNoFrame === 10);
  for (const batch of held) port.release(batch);
  send(host, 7, 1);
  t.true(await port.readable());
  t.is(port.rxBurst(held[0]!), 1);
  t.deepEqual(held[0]!.copy(0), packetOf(7));
});

test.serial('for await yields the same batch again and lets the event loop have turns', async (t) => {
  const { host, port } = await attach(t);
  let turns = 0;
  const timer = setInterval(() => {
    turns++;
    send(host, 0, 32);
  }, 1);
  let packets = 0;
  const batches = new Set<unknown>();
  for await (const batch of port) {
    batches.add(batch);
    packets += batch.count;
    if (packets >= 2000) break;
  }
  clearInterval(timer);
  t.true(turns > 1);
  t.is(batches.size, 1);
  await until('all frames are back', async () => (await host.queue('one')).client!.frames.client === 0);
});

test.serial('readable comes when packets come, and again until they are taken', async (t) => {
  const { host, port } = await attach(t);
  const batch = port.createBatch(1);
  let events = 0;
  let taken = 0;
  port.on('readable', () => {
    events++;
    taken += port.rxBurst(batch);
    port.release(batch);
  });
  await delay(20);
  t.is(events, 0);
  send(host, 0, 5);
  await until('all are taken', () => taken === 5);
  t.true(events >= 5);
  send(host, 5, 1);
  await until('the next one is taken', () => taken === 6);
});

test.serial('a blocking wait ends with a packet or with its time', async (t) => {
  const { host, port } = await attach(t);
  t.is(port.waitReadable(5), 'timeout');
  send(host, 0, 1);
  t.is(port.waitReadable(10_000), 'readable');
  t.is(port.waitReadable(0), 'readable');
});

test.serial('a batch that holds packets takes no others, and an empty one gives none', async (t) => {
  const { host, port } = await attach(t);
  const batch = port.createBatch();
  send(host, 0, 1);
  await port.readable();
  port.rxBurst(batch);
  t.throws(() => port.rxBurst(batch), { name: 'InvalidArgument' });
  port.release(batch);
  t.throws(() => batch.packet(0), { name: 'InvalidArgument' });
  t.notThrows(() => port.release(batch), 'an empty batch is left alone');
  t.throws(() => port.createBatch(0), { name: 'InvalidArgument' });
});

test.serial('in debug mode the offsets of a released batch lead nowhere', async (t) => {
  const { host, port } = await attach(t, true);
  const batch = port.createBatch();
  send(host, 0, 1);
  await port.readable();
  port.rxBurst(batch);
  const { offset, bytes } = batch;
  t.is(typeof bytes[offset[0]!], 'number');
  port.release(batch);
  t.is<number | undefined, undefined>(bytes[offset[0]!], undefined);
});

test.serial('what is received can be read and not written', async (t) => {
  const { host, port } = await attach(t);
  send(host, 0, 1);
  await port.readable();
  const batch = port.createBatch();
  port.rxBurst(batch);
  const kept = batch.copy(0);
  kept[0] = 99;
  t.not(batch.packet(0)[0], 99);
  await port.close();
  t.is(batch.bytes[batch.offset[0]!], 0, 'a view that is used after close reads zeros');
});
