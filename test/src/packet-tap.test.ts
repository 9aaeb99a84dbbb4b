import { fileURLToPath } from 'node:url';
import { type Client, connect, type PacketTap, type TapOptions, type TapRecord } from '@nicshare/client';
import { createDispatcher } from '@nicshare/dispatcher';
import { readCapture } from '@nicshare/driver';
import { layout } from '@nicshare/shm';
import test, { type ExecutionContext } from 'ava';
import { Bystander } from './support/bystander.js';
import { Child } from './support/child.js';
import { type FakeHost, PORTS, startFake } from './support/fake-dispatcher.js';
import { NOBODY } from './support/nobody.js';
import { asNobody, withRoot } from './support/other-user.js';
import { numberedPacket } from './support/packets.js';
import { RawSession, requestTapToken } from './support/raw-session.js';
import { scratchSocket } from './support/scratch.js';
import { until } from './support/until.js';

/** What a tap shows of others' packets, and that these do not suffer from it. */

type Kept = Omit<TapRecord, 'bytes'> & { readonly bytes: Buffer };

/** Where a dispatcher is. */
type Reached = Pick<FakeHost, 'socket'>;

/** Keeps all that a tap shows, from now on. */
class Watcher {
  readonly records: Kept[] = [];
  readonly tap: PacketTap;
  readonly ended: Promise<void>;

  private constructor(tap: PacketTap) {
    this.tap = tap;
    this.ended = this.#watch();
  }

  static async start(t: ExecutionContext, host: Reached, options: TapOptions = {}): Promise<Watcher> {
    return new Watcher(await (await clientOf(t, host)).tap(options));
  }

  async #watch(): Promise<void> {
    for await (const batch of this.tap)
      for (let i = 0; i < batch.count; i++)
        this.records.push({ ...batch.record(i), bytes: Buffer.from(batch.copy(i)) });
  }

  /** Waits for so many packets, and returns them all. */
  async shows(count: number): Promise<readonly Kept[]> {
    await until(`${count} packets are shown`, () => this.records.length >= count);
    return this.records;
  }
}

async function clientOf(t: ExecutionContext, host: Reached): Promise<Client> {
  const client = await connect({ socket: host.socket });
  t.teardown(() => client.close());
  return client;
}

const inject = (host: FakeHost, port: number, sequence: number, length?: number): Promise<void> =>
  until('room in the device', () => host.wire.inject(numberedPacket(port, sequence, length)));

test.serial('a tap of a queue shows what its client receives and sends, whole and in order', async (t) => {
  const host = await startFake(t);
  const port = await (await clientOf(t, host)).attach('two');
  const before = BigInt(Date.now()) * 1_000_000n;
  const watcher = await Watcher.start(t, host, { queue: 'two' });
  for (let i = 0; i < 40; i++) {
    await inject(host, PORTS.two, i);
    await inject(host, PORTS.one, i);
  }
  const received = await watcher.shows(40);
  t.deepEqual(
    received.map(({ bytes }) => bytes),
    Array.from({ length: 40 }, (_, i) => numberedPacket(PORTS.two, i)),
  );
  t.is(port.send(numberedPacket(9, 77)), 'sent');
  const records = await watcher.shows(41);
  t.deepEqual(records[40]!.bytes, numberedPacket(9, 77));
  t.deepEqual(
    records.map(({ direction }) => direction),
    [...Array(40).fill('received'), 'sent'],
  );
  for (const { queue, dropReason, originalLength, time } of records) {
    t.is(queue, 'two');
    t.is(dropReason, undefined);
    t.is(originalLength, 64);
    t.true(time >= before && time <= BigInt(Date.now() + 1) * 1_000_000n);
  }
  t.deepEqual(watcher.tap.counters, { captured: 41, tooSlow: 0, skipped: 0 });
});

test.serial('dropped packets are shown with the reason by which they are counted', async (t) => {
  const host = await startFake(t);
  const port = await (await clientOf(t, host)).attach('one');
  const watcher = await Watcher.start(t, host);
  const { total } = (await host.queue('one')).client!.frames;
  // The ring has 64 entries; nobody reads it.
  for (let i = 0; i < 70; i++) await inject(host, PORTS.one, i);
  await inject(host, PORTS.three, 100);
  await watcher.shows(71);
  t.true(total > 64);
  t.deepEqual(
    watcher.records.map(({ queue, dropReason }) => [queue, dropReason]),
    [...Array(64).fill(['one', undefined]), ...Array(6).fill(['one', 'ringFull']), ['three', 'noClient']],
  );
  t.is(port.counters.rxDropRingFull, 6);
});

const CAPTURE = fileURLToPath(new URL('../../examples/captures/demo.pcap', import.meta.url));

for (const [unmatched, reason] of [
  ['drop', 'unmatched'],
  ['pass', 'notPassed'],
] as const)
  test.serial(`a tap of the device shows all that comes, also what no queue takes: ${reason}`, async (t) => {
    const dispatcher = await createDispatcher({
      socket: { path: scratchSocket(t) },
      device: { driver: 'pcap', file: CAPTURE, rate: 'flat-out', start: 'attached' },
      queues: [{ name: 'echo', match: { protocol: 'udp', destinationPort: 7 } }],
      unmatched,
    });
    t.teardown(() => dispatcher.close());
    const watcher = await Watcher.start(t, { socket: dispatcher.socketPath });
    // The replay begins with the client.
    const port = await (await clientOf(t, { socket: dispatcher.socketPath })).attach('echo');
    const wanted: Buffer[] = [];
    readCapture(CAPTURE, ({ bytes }) => wanted.push(Buffer.from(bytes)));
    const records = await watcher.shows(wanted.length);
    t.deepEqual(
      records.map(({ bytes }) => bytes.toString('hex')),
      wanted.map((bytes) => bytes.toString('hex')),
    );
    const unclaimed = records.filter(({ queue }) => queue === undefined);
    t.true(unclaimed.length > 0);
    t.deepEqual(new Set(unclaimed.map(({ dropReason }) => dropReason)), new Set([reason]));
    const delivered = records.filter(({ queue, dropReason }) => queue === 'echo' && !dropReason);
    t.is(delivered.length, port.counters.rxPackets);
    const { plane } = await dispatcher.stats();
    t.is(unclaimed.length, plane.notPassed + plane.unmatchedDropped);
  });

test.serial('packets that are lent to a client are shown as they came', async (t) => {
  const queues = [{ name: 'two', mode: 'shared' as const, match: { destinationPort: PORTS.two } }];
  const host = await startFake(t, { queues });
  const port = await (await clientOf(t, host)).attach('two');
  const watcher = await Watcher.start(t, host);
  for (let i = 0; i < 40; i++) await inject(host, PORTS.two, i);
  const records = await watcher.shows(40);
  t.deepEqual(
    records.map(({ bytes, queue, dropReason }) => [bytes, queue, dropReason]),
    Array.from({ length: 40 }, (_, i) => [numberedPacket(PORTS.two, i), 'two', undefined]),
  );
  t.is(port.counters.rxPackets, 40);
});

test.serial('snaplen cuts the copy and not the packet', async (t) => {
  const host = await startFake(t);
  const bystander = await Bystander.attach(t, host);
  const watcher = await Watcher.start(t, host, { queue: 'two', snaplen: 50 });
  await bystander.exchange(8);
  const records = await watcher.shows(8);
  for (const [i, { bytes, originalLength }] of records.entries()) {
    t.deepEqual(bytes, numberedPacket(PORTS.two, i).subarray(0, 50));
    t.is(originalLength, 64);
  }
});

test.serial(
  'a tap that nobody reads loses its own packets, counted; the client gets all of them',
  async (t) => {
    const host = await startFake(t);
    const bystander = await Bystander.attach(t, host);
    const tap = await (await clientOf(t, host)).tap({ queue: 'two' });
    await bystander.exchange(20_000);
    const { captured, tooSlow, skipped } = tap.counters;
    t.is(captured + tooSlow + skipped, 20_000);
    t.true(tooSlow > 0);
    const batch = tap.createBatch();
    t.is(tap.rxBurst(batch), 64);
    t.deepEqual(Buffer.from(batch.packet(0)), numberedPacket(PORTS.two, 0));
    t.is((await host.queue('two')).totals.rxPackets, 20_000);
  },
);

test.serial(
  'several taps stand at a time; one too many is refused, and one that ends makes room',
  async (t) => {
    const host = await startFake(t);
    const bystander = await Bystander.attach(t, host);
    const client = await clientOf(t, host);
    const before = (await host.dispatcher.stats()).memory.used;
    const taps = [
      await client.tap(),
      await client.tap({ queue: 'two' }),
      await client.tap(),
      await client.tap(),
    ];
    await t.throwsAsync(client.tap(), { name: 'TooManyTaps', message: /4 taps.*End one/ });
    await bystander.exchange(10);
    for (const tap of taps) t.is(tap.counters.captured, 10);
    await taps[1]!.close();
    const next = await client.tap();
    await bystander.exchange(10);
    t.is(next.counters.captured, 10);
    t.is(taps[0]!.counters.captured, 20);
    await client.close();
    await until('the memory is back', async () => (await host.dispatcher.stats()).memory.used === before);
    t.is((await host.dispatcher.stats()).ledgerErrors, 0);
    await bystander.exchange(10);
  },
);

test.serial('wrong wishes are refused by name', async (t) => {
  const host = await startFake(t);
  const client = await clientOf(t, host);
  await t.throwsAsync(client.tap({ queue: 'four' }), { name: 'NoSuchQueue', message: /one, two, three/ });
  await t.throwsAsync(client.tap({ queue: '' }), { name: 'InvalidArgument' });
  for (const snaplen of [0, 13, 65536, 1.5])
    await t.throwsAsync(client.tap({ snaplen }), { name: 'InvalidArgument', message: /14 to 65535/ });
  await t.throwsAsync(client.tap({ filter: [0x06] }), { name: 'FilterInvalid' });
  await t.throwsAsync(client.tap({ filter: [0x05, 7, 0x06, 1] }), {
    name: 'FilterInvalid',
    message: /jumps/,
  });
});

asNobody(withRoot('other users may not tap, unless the configuration allows it'), async (t) => {
  const host = await startFake(t);
  const stranger = Child.start(t, 'tapper', [host.socket, 'nobody']);
  const { code, message } = await stranger.next('refused');
  t.is(code, 'NotAllowed');
  t.regex(message as string, /capture\.allow/);
  t.is((await host.dispatcher.stats()).refusals.NotAllowed, 1);
  const open = await startFake(t, { capture: { allow: { users: [NOBODY] } } });
  await Child.start(t, 'tapper', [open.socket, 'nobody']).next('tapping');
});

test.serial('a reader killed while packets flow: its tap is free again, and nobody loses', async (t) => {
  const host = await startFake(t);
  const bystander = await Bystander.attach(t, host);
  const before = (await host.dispatcher.stats()).memory.used;
  for (let round = 0; round < 5; round++) {
    const reader = Child.start(t, 'tapper', [host.socket]);
    await reader.next('tapping');
    await bystander.exchange(200);
    await reader.kill('SIGKILL');
    await bystander.exchange(200);
    await until('the tap ends', async () => (await host.dispatcher.stats()).memory.used === before);
  }
  t.is((await host.dispatcher.stats()).ledgerErrors, 0);
});

for (const [what, cell] of [
  ['cursor', layout.RX_CONSUMER],
  ['fillRing', layout.FILL_PRODUCER],
] as const)
  test.serial(
    `a reader that writes nonsense as its ${what} loses its tap, and nobody else anything`,
    async (t) => {
      const host = await startFake(t);
      const bystander = await Bystander.attach(t, host);
      const hostile = await RawSession.attach(host.socket, 'two', requestTapToken);
      t.teardown(() => hostile.close());
      // Ring and frames have to run out first: then the dispatcher looks.
      await bystander.exchange(hostile.shape.ringSize);
      hostile.write(layout.RX_CONSUMER, 64);
      hostile.write(cell, 0x12345678);
      await bystander.exchange(64);
      t.is((await hostile.control.next('ended')).code, 'RingViolation');
      await bystander.exchange(64);
      t.is((await host.queue('two')).violations, 0);
      const next = await Watcher.start(t, host, { queue: 'two' });
      await bystander.exchange(8);
      await next.shows(8);
    },
  );

test.serial('a tap ends with its dispatcher, and says why', async (t) => {
  const host = await startFake(t);
  const bystander = await Bystander.attach(t, host);
  const watcher = await Watcher.start(t, host);
  await bystander.exchange(10);
  await watcher.shows(10);
  await host.dispatcher.close();
  await watcher.ended;
  t.is(watcher.tap.detachedReason?.code, 'DispatcherStopped');
});
