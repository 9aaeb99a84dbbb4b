import { setTimeout as delay } from 'node:timers/promises';
import { connect, type Port } from '@nicshare/client';
import test, { type ExecutionContext } from 'ava';
import { type FakeHost, PORTS, startFake } from './support/fake-dispatcher.js';
import { numberedPacket } from './support/packets.js';
import { until } from './support/until.js';

/** How an application sends: one packet, composed batches, forwarded ones, and what it is told when there is no room. */

async function attach(t: ExecutionContext): Promise<{ host: FakeHost; port: Port }> {
  const host = await startFake(t);
  const client = await connect({ socket: host.socket });
  t.teardown(() => client.close());
  return { host, port: await client.attach('one') };
}

const packetOf = (sequence: number): Uint8Array => new Uint8Array(numberedPacket(PORTS.two, sequence));

/** Takes packets off the wire until there are `count`. */
async function captured(host: FakeHost, count: number): Promise<Uint8Array[]> {
  const packets: Uint8Array[] = [];
  await until(`${count} packets are on the wire`, () => {
    packets.push(...host.wire.capture());
    return packets.length >= count;
  });
  return packets;
}

test.serial('packets go out byte for byte and in order, many times the ring', async (t) => {
  const { host, port } = await attach(t);
  const sent: Uint8Array[] = [];
  const arrived: Uint8Array[] = [];
  while (sent.length < 500) {
    const packet = packetOf(sent.length);
    if (port.send(packet) === 'sent') sent.push(packet);
    else t.true(await port.writable());
    arrived.push(...host.wire.capture());
  }
  arrived.push(...(await captured(host, sent.length - arrived.length)));
  t.deepEqual(arrived, sent);
  t.is(port.counters.txPackets, sent.length);
});

test.serial('a batch is composed in place and sent whole', async (t) => {
  const { host, port } = await attach(t);
  const batch = port.createTxBatch(10);
  t.is(port.reserve(batch), 10);
  t.throws(() => port.reserve(batch), { name: 'InvalidArgument' });
  const packets = Array.from({ length: 10 }, (_, i) => packetOf(i));
  packets.forEach((packet, i) => {
    batch.write(i, packet);
  });
  t.throws(() => batch.write(10, packets[0]!), { name: 'InvalidArgument' });
  t.throws(() => batch.write(0, new Uint8Array(4096)), { name: 'InvalidArgument' });
  t.is(port.txBurst(batch), 10);
  t.is(batch.count, 0);
  t.deepEqual(await captured(host, 10), packets);
});

test.serial('a batch with a length that is out of range is not sent, and can be mended', async (t) => {
  const { host, port } = await attach(t);
  const batch = port.createTxBatch(2);
  port.reserve(batch);
  batch.write(0, packetOf(0));
  t.throws(() => port.txBurst(batch), { name: 'InvalidArgument', message: /0 bytes/ });
  batch.write(1, packetOf(1));
  t.is(port.txBurst(batch), 2);
  t.is((await captured(host, 2)).length, 2);
});

test.serial('received packets are forwarded by copies', async (t) => {
  const { host, port } = await attach(t);
  const packets = [60, 64, 127, 128, 129, 700, 1514].map((length, i) => {
    const packet = new Uint8Array(length).fill(i + 1);
    packet.set(numberedPacket(PORTS.one, i).subarray(0, 60));
    return packet;
  });
  for (const packet of packets) host.wire.inject(packet);
  const batch = port.createBatch();
  let forwarded = 0;
  while (forwarded < packets.length) {
    t.true(await port.readable());
    port.rxBurst(batch);
    forwarded += port.txBurst(batch);
    port.release(batch);
  }
  t.deepEqual(await captured(host, packets.length), packets);
});

test.serial('a batch that another port received is refused, not sent from the wrong memory', async (t) => {
  const [one, other] = [await attach(t), await attach(t)];
  one.host.wire.inject(new Uint8Array(numberedPacket(PORTS.one, 0)));
  const batch = one.port.createBatch();
  t.true(await one.port.readable());
  one.port.rxBurst(batch);
  t.throws(() => other.port.txBurst(batch), { name: 'InvalidArgument', message: /createTxBatch/ });
  t.is(one.port.txBurst(batch), 1);
});

test.serial(
  'where nobody takes the packets, send says back-pressure, and drain tells when to go on',
  async (t) => {
    const { host, port } = await attach(t);
    let drained = 0;
    port.on('drain', () => {
      drained++;
    });
    const packet = packetOf(0);
    // Nothing is taken off the wire, so the device's rings and then the client's fill up, and stay full.
    let refusals = 0;
    while (refusals < 50) {
      refusals = port.send(packet) === 'sent' ? 0 : refusals + 1;
      if (refusals > 0) await delay(1);
    }
    const before = drained;
    const { client } = await host.queue('one');
    t.true(client!.backPressure > 0, 'and it is counted');
    await until('drain comes', () => {
      host.wire.capture();
      return drained > before;
    });
    t.is(port.send(packet), 'sent');
  },
);

test.serial('frames that were reserved and not sent are not lost by close', async (t) => {
  const { host, port } = await attach(t);
  port.reserve(port.createTxBatch(64));
  t.is(port.send(packetOf(0)), 'back-pressure');
  await port.close();
  t.is(port.send(packetOf(0)), 'detached');
  const client = await connect({ socket: host.socket });
  t.teardown(() => client.close());
  const next = await client.attach('one');
  t.is(next.send(packetOf(1)), 'sent');
  t.deepEqual(await captured(host, 1), [packetOf(1)]);
});
