import { createDispatcher } from '@nicshare/dispatcher';
import { type LatencyHistogram, latencySamples, layout } from '@nicshare/shm';
import test, { type ExecutionContext } from 'ava';
import { Bystander } from './support/bystander.js';
import { Child } from './support/child.js';
import { Command } from './support/command.js';
import {
  type FakeHost,
  fakeOptions,
  PORTS,
  type QueueName,
  queues,
  startFake,
} from './support/fake-dispatcher.js';
import { numberedPacket } from './support/packets.js';
import { RawSession } from './support/raw-session.js';
import { scratchSocket } from './support/scratch.js';
import { until } from './support/until.js';
import { CARD_ADDRESS, createLab, onVeth, vethTitle } from './support/veth-lab.js';

/** Every packet that comes after a pause is a sample. */
const LATENCY = { latency: { sample: 1 } };
const PAUSE_MS = 50;

async function latencyOf(host: FakeHost, queue: QueueName) {
  const { latency } = await host.queue(queue);
  if (!latency) throw new Error('No latencies are sampled');
  return latency;
}

/** Samples that took longer than `seconds`, as far as the buckets tell for sure. */
const longerThan = ({ buckets }: LatencyHistogram, seconds: number): number =>
  buckets.reduce(
    (sum, count, bucket) =>
      sum + ((layout.LATENCY_FIRST_BOUND * 2 ** (bucket - 1)) / 1e9 >= seconds ? count : 0),
    0,
  );

const sleep = (ms: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
};

async function delivered(host: FakeHost, queue: QueueName, packets: number): Promise<void> {
  await until('it is in the ring', async () => (await host.queue(queue)).totals.rxPackets === packets);
}

for (const mode of ['isolated', 'shared'] as const)
  test.serial(
    `mode ${mode}: each stage counts, and a client that comes late shows in its pickups alone`,
    async (t) => {
      const host = await startFake(t, { ...LATENCY, queues: queues().map((queue) => ({ ...queue, mode })) });
      const { port } = await Bystander.attach(t, host);
      const batch = port.createBatch();
      const rounds = 4;
      for (let round = 1; round <= rounds; round++) {
        t.true(host.wire.inject(numberedPacket(PORTS.two, round)));
        await delivered(host, 'two', round);
        sleep(PAUSE_MS);
        t.is(port.rxBurst(batch), 1);
        port.release(batch);
      }
      const { device, dispatch, pickup } = await latencyOf(host, 'two');
      for (const stage of [device!, dispatch, pickup]) t.is(latencySamples(stage), rounds);
      t.true(longerThan(pickup, 0.032) === rounds, JSON.stringify(pickup));
      t.true(pickup.sumSeconds >= (rounds * PAUSE_MS) / 1000);
      t.true(dispatch.sumSeconds > 0 && dispatch.sumSeconds < pickup.sumSeconds);
      const { latency } = await host.queue('one');
      t.is(latencySamples(latency!.pickup) + latencySamples(latency!.dispatch), 0);
    },
  );

test.serial('a packet that the dispatcher comes late for shows in the stage of the device', async (t) => {
  const host = await startFake(t, { ...LATENCY, overflow: 'hold' });
  const bystander = await Bystander.attach(t, host);
  const batch = bystander.port.createBatch();
  // One burst wants as many places as the rings have: nothing is taken while a packet waits.
  t.true(host.wire.inject(numberedPacket(PORTS.two, 0)));
  await delivered(host, 'two', 1);
  t.true(host.wire.inject(numberedPacket(PORTS.two, 1)));
  sleep(PAUSE_MS);
  bystander.port.rxBurst(batch);
  bystander.port.release(batch);
  await delivered(host, 'two', 2);
  const { device } = await latencyOf(host, 'two');
  t.is(longerThan(device!, 0.032), 1);
});

test.serial('packets that wait in the ring are one sample; sampling goes on behind them', async (t) => {
  const host = await startFake(t, LATENCY);
  const { port } = await Bystander.attach(t, host);
  const batch = port.createBatch(4);
  for (let sequence = 0; sequence < 12; sequence++) {
    t.true(host.wire.inject(numberedPacket(PORTS.two, sequence)));
    await delivered(host, 'two', sequence + 1);
  }
  for (let burst = 0; burst < 3; burst++) {
    t.is(port.rxBurst(batch), 4);
    port.release(batch);
  }
  const before = latencySamples((await latencyOf(host, 'two')).pickup);
  t.true(before >= 1 && before <= 12);
  sleep(PAUSE_MS);
  t.true(host.wire.inject(numberedPacket(PORTS.two, 12)));
  await delivered(host, 'two', 13);
  t.is(port.rxBurst(batch), 1);
  t.is(latencySamples((await latencyOf(host, 'two')).pickup), before + 1);
});

test.serial('a session that is over counts on', async (t) => {
  const host = await startFake(t, LATENCY);
  const first = await Bystander.attach(t, host, 'one');
  await first.exchange(16);
  const { pickup } = await latencyOf(host, 'one');
  t.true(latencySamples(pickup) > 0);
  await first.close();
  await until('its session is over', async () => (await host.queue('one')).client === null);
  t.deepEqual((await latencyOf(host, 'one')).pickup, pickup);
  await (await Bystander.attach(t, host, 'one')).exchange(16);
  t.true(latencySamples((await latencyOf(host, 'one')).pickup) > latencySamples(pickup));
});

test.serial('no more samples than the interval allows', async (t) => {
  const host = await startFake(t, { latency: { sample: 10_000_000 } });
  await (await Bystander.attach(t, host)).exchange(64);
  const { dispatch, pickup } = await latencyOf(host, 'two');
  t.is(latencySamples(dispatch), 1);
  t.is(latencySamples(pickup), 1);
});

test.serial('without metrics none are taken, with metrics they are; 0 takes none', async (t) => {
  const metrics = { listen: '127.0.0.1:0' };
  for (const [options, interval] of [
    [{}, undefined],
    [{ metrics }, 1000],
    [{ latency: {} }, 1000],
    [{ metrics, latency: { sample: 0 } }, undefined],
    [{ metrics, latency: { sample: 250 } }, 250],
  ] as const) {
    const host = await startFake(t, options);
    const { latency, queues } = await host.dispatcher.stats();
    t.is(latency?.intervalMicroseconds, interval);
    t.is(queues[0]!.latency === null, interval === undefined);
  }
});

test.serial('a device that tells no times is named, and its stage is left out', async (t) => {
  const notes: string[] = [];
  const dispatcher = await createDispatcher(
    fakeOptions(scratchSocket(t), {
      ...LATENCY,
      device: { driver: 'null', packetSize: 64, destinationPorts: [1] },
    }),
    (line) => notes.push(line),
  );
  t.teardown(() => dispatcher.close());
  t.true(notes.some((line) => /null device tells no times/.test(line)));
  const [queue] = (await dispatcher.stats()).queues;
  t.is(queue!.latency!.device, null);
  t.truthy(queue!.latency!.dispatch);
});

/** What a client may write where its histogram stands, and none of it can be true. */
const LIES: Record<string, (session: RawSession) => void> = {
  'every cell full': (session) => {
    for (let at = layout.CLIENT_PICKUP; at < layout.CLIENT_PICKUP_END; at += 4) session.write(at, 0xffffffff);
  },
  'a sum of ages': (session) => session.write(layout.CLIENT_PICKUP_SUM + 4, 0x7fffffff),
  'one sample too many': (session) => session.write(layout.CLIENT_PICKUP, 2),
};

for (const [name, lie] of Object.entries(LIES))
  test.serial(
    `a client that lies about its latencies (${name}) is not believed, and harms nobody`,
    async (t) => {
      const host = await startFake(t, { ...LATENCY, metrics: { listen: '127.0.0.1:0' } });
      const bystander = await Bystander.attach(t, host);
      const liar = await RawSession.attach(host.socket, 'one');
      t.true(host.wire.inject(numberedPacket(PORTS.one, 0)));
      await delivered(host, 'one', 1);
      t.is(liar.read(layout.RX_SAMPLE_NUMBER), 2, 'it was given one sample');
      lie(liar);
      await bystander.exchange(32);
      const check = async (): Promise<void> => {
        const { pickup, dispatch } = await latencyOf(host, 'one');
        t.is(latencySamples(pickup), 0);
        t.is(pickup.sumSeconds, 0);
        t.is(latencySamples(dispatch), 1);
        const text = await (await fetch(host.dispatcher.metricsUrl!)).text();
        const values = text
          .split('\n')
          .flatMap((line) => (line.startsWith('nicshare') ? [Number(line.split(' ').at(-1))] : []));
        t.true(values.length > 100 && values.every((value) => Number.isFinite(value) && value >= 0));
        t.true(latencySamples((await latencyOf(host, 'two')).pickup) > 0);
      };
      await check();
      liar.close();
      await until('its session is over', async () => (await host.queue('one')).client === null);
      await check();
    },
  );

onVeth(vethTitle('on a real interface the kernel says when packets came'), async (t: ExecutionContext) => {
  const lab = await createLab(t);
  const config = lab.configure('  - { name: rest, match: { protocol: udp } }\nlatency: { sample: 100 }\n');
  const dispatcher = Command.start(t, ['dispatcher', '--config', config], lab.card);
  await dispatcher.says('ready');
  const app = Child.start(t, 'responder', [lab.socket, 'rest', 'answer']);
  await app.next('attached');
  lab.peer.tell('udp', { address: CARD_ADDRESS, port: 7, count: 50 });
  t.is((await lab.peer.next('udp')).answered, 50);
  const asked = await Command.run(t, ['queues', '--json', '--socket', lab.socket]);
  const [{ latency }] = JSON.parse(asked.output).queues;
  for (const stage of ['device', 'dispatch', 'pickup'] as const) {
    const samples = latencySamples(latency[stage]);
    t.true(samples > 0 && samples <= 50, `${stage}: ${samples}`);
    t.true(latency[stage].sumSeconds > 0);
  }
  t.false(/tells no times/.test(dispatcher.output));
});
