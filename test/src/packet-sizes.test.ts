import { connect } from '@nicshare/client';
import { layout } from '@nicshare/shm';
import test from 'ava';
import { Bystander } from './support/bystander.js';
import { queues, startFake } from './support/fake-dispatcher.js';
import { RawSession } from './support/raw-session.js';
import { until } from './support/until.js';

const SHORTEST = layout.ETHERNET_HEADER;

test.serial(
  'runts and oversized packets in a txRing are dropped and counted; the session goes on',
  async (t) => {
    const host = await startFake(t);
    const bystander = await Bystander.attach(t, host);
    const session = await RawSession.attach(host.socket, 'one');
    t.teardown(() => session.close());
    const { shape, grant } = session;
    const runts = [0, 1, 13];
    const oversized = [grant.maxPacket + 1, shape.frameSize];
    const good = [SHORTEST, 60, grant.maxPacket];
    const lengths = [...runts, good[0]!, ...oversized, good[1]!, good[2]!];
    lengths.forEach((length, slot) => {
      session.writeTx(slot, shape.txFramesOffset + slot * shape.frameSize, length);
    });
    session.write(layout.TX_PRODUCER, lengths.length);
    session.ring();
    await until('all are taken', () => session.read(layout.TX_CONSUMER) === lengths.length);

    const { totals, violations } = await host.queue('one');
    t.is(totals.txDropRunt, runts.length);
    t.is(totals.txDropOversized, oversized.length);
    t.is(totals.txPackets, good.length);
    t.is(
      totals.txBytes,
      good.reduce((sum, length) => sum + length, 0),
    );
    t.is(violations, 0);
    t.deepEqual(
      host.wire.capture().map((packet) => packet.length),
      good,
    );
    t.is(session.read(layout.COMPLETION_PRODUCER), lengths.length, 'all frames come back');
    t.false(session.control.has('ended'));
    await bystander.exchange();
  },
);

test.serial('the client package refuses to send runts and oversized packets', async (t) => {
  const host = await startFake(t);
  const client = await connect({ socket: host.socket });
  t.teardown(() => client.close());
  const port = await client.attach('one');
  for (const length of [0, 13, port.maxPacket + 1, 2048, 5000]) {
    t.throws(() => port.send(new Uint8Array(length)), { name: 'InvalidArgument' }, `send of ${length} bytes`);
    const batch = port.createTxBatch(1);
    t.is(port.reserve(batch), 1);
    batch.length[0] = length;
    t.throws(() => port.txBurst(batch), { name: 'InvalidArgument' }, `txBurst of ${length} bytes`);
  }
  for (const length of [SHORTEST, port.maxPacket]) t.is(port.send(new Uint8Array(length)), 'sent');
  await until('both are sent', async () => (await host.queue('one')).totals.txPackets === 2);
  t.is((await host.queue('one')).totals.txDropRunt, 0);
});

// The fake device's frames are as long as a client's, so it can bring no packet that is too long for one: what is
// longer than a frame is lost at the device and counted there.
test.serial('what is longer than a frame is lost at the device and counted', async (t) => {
  const host = await startFake(t);
  const bystander = await Bystander.attach(t, host);
  t.false(host.wire.inject(new Uint8Array(2049)));
  t.false(host.wire.inject(new Uint8Array(0)));
  t.is((await host.dispatcher.stats()).deviceCounters.rxDropped.wrongLength, 2);
  await bystander.exchange();
});

test.serial('received runts go to a queue that takes any packet, and to no other', async (t) => {
  const host = await startFake(t, {
    queues: [
      ...queues(),
      { name: 'mac', match: { destinationMac: '00:00:00:00:00:00' } },
      { name: 'type', match: { etherType: 0 } },
      { name: 'rest', match: 'any', priority: 1000 },
    ],
  });
  const client = await connect({ socket: host.socket });
  t.teardown(() => client.close());
  const strict = await Promise.all(['one', 'mac', 'type'].map((queue) => client.attach(queue)));
  const rest = await client.attach('rest');
  for (let length = 1; length < SHORTEST; length++) t.true(host.wire.inject(new Uint8Array(length)));
  await until('they have come', async () => (await host.queue('rest')).totals.rxPackets === SHORTEST - 1);
  const batch = rest.createBatch();
  t.is(rest.rxBurst(batch), SHORTEST - 1);
  t.deepEqual([...batch.length.subarray(0, batch.count)], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
  for (const port of strict) t.is(port.rxBurst(port.createBatch()), 0);
});

test.serial('without a queue for any packet, received runts are dropped and counted', async (t) => {
  const host = await startFake(t, { unmatched: 'drop' });
  const bystander = await Bystander.attach(t, host);
  for (let length = 1; length < SHORTEST; length++) t.false(host.wire.inject(new Uint8Array(length)));
  await bystander.exchange();
  t.is((await host.dispatcher.stats()).deviceCounters.rxDropped.unmatched, SHORTEST - 1);
});
