import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connect, type Port } from '@nicshare/client';
import { createDispatcher, type Dispatcher, type DispatcherOptions } from '@nicshare/dispatcher';
import { readCapture } from '@nicshare/driver';
import { isNicshareError } from '@nicshare/shm';
import test, { type ExecutionContext } from 'ava';
import { startFake } from './support/fake-dispatcher.js';
import { scratchFolder } from './support/scratch.js';
import { until } from './support/until.js';

const CAPTURE = fileURLToPath(new URL('../../examples/captures/demo.pcap', import.meta.url));
const PACKETS = 400;
const ECHO = { protocol: 'udp', destinationPort: 7 } as const;

function packetsOf(path: string): string[] {
  const packets: string[] = [];
  const { damage } = readCapture(path, ({ bytes }) => packets.push(bytes.toString('hex')));
  if (damage !== undefined) throw new Error(damage);
  return packets;
}

interface Replay {
  readonly dispatcher: Dispatcher;
  readonly notes: readonly string[];
  readonly record: string;
}

async function replay(
  t: ExecutionContext,
  device: { rate: number | 'flat-out'; loop: boolean; start?: 'attached' | number },
  options: Partial<DispatcherOptions> = {},
): Promise<Replay> {
  const folder = scratchFolder(t);
  const record = join(folder, 'sent.pcapng');
  const notes: string[] = [];
  const dispatcher = await createDispatcher(
    {
      socket: { path: join(folder, 'control.sock') },
      device: { driver: 'pcap', file: CAPTURE, record, ...device },
      // The test compares every packet: a machine that is busy must not lose any.
      overflow: 'hold',
      memory: { ringSize: 256, frames: 512, hugepages: 'never' },
      queues: [
        { name: 'echo', match: ECHO },
        { name: 'rest', match: 'any', priority: 1000 },
      ],
      ...options,
    },
    (line) => notes.push(line),
  );
  t.teardown(() => dispatcher.close());
  return { dispatcher, notes, record };
}

test.serial('a client receives what was captured, and what it sends is recorded', async (t) => {
  const { dispatcher, record } = await replay(t, { rate: 4000, loop: true });
  const client = await connect({ socket: dispatcher.socketPath });
  t.teardown(() => client.close());
  const port = await client.attach('echo');
  const received: string[] = [];
  for await (const packets of port) {
    for (let i = 0; i < packets.count && received.length < 1000; i++) {
      const bytes = packets.copy(i);
      received.push(Buffer.from(bytes).toString('hex'));
      while (port.send(bytes) === 'back-pressure') await delay(1);
    }
    if (received.length === 1000) break;
  }
  await until('all are sent', async () => (await dispatcher.stats()).plane.sent === received.length);
  await dispatcher.close();

  t.deepEqual(packetsOf(record), received);
  const echo = packetsOf(CAPTURE).filter(
    (packet) => packet.slice(46, 48) === '11' && packet.slice(72, 76) === '0007',
  );
  const first = echo.indexOf(received[0]!);
  t.true(first >= 0);
  t.deepEqual(
    received,
    received.map((_, i) => echo[(first + i) % echo.length]),
  );
});

test.serial('at the end of a capture the dispatcher says so once, and stays', async (t) => {
  const { dispatcher, notes } = await replay(t, { rate: 'flat-out', loop: false });
  const ends = (): number => notes.filter((line) => /demo\.pcap has been replayed/.test(line)).length;
  await until('the end', () => ends() > 0);
  const { plane, queues, device } = await dispatcher.stats();
  t.is(plane.received, PACKETS);
  t.is(queues[0]!.dropNoClient + queues[1]!.dropNoClient, PACKETS);
  t.is(device.mode, '400 packets of demo.pcap, flat out, once');
  t.is(ends(), 1);
});

/** Takes packets of both ports until `count` have come; returns each packet as hexadecimal digits, by port. */
async function takeAll(ports: readonly Port[], count: number): Promise<string[][]> {
  const batches = ports.map((port) => port.createBatch(64));
  const taken: string[][] = ports.map(() => []);
  await until(`${count} packets`, () => {
    ports.forEach((port, index) => {
      const batch = batches[index]!;
      for (let burst = port.rxBurst(batch); burst > 0; burst = port.rxBurst(batch)) {
        for (let i = 0; i < burst; i++) taken[index]!.push(Buffer.from(batch.copy(i)).toString('hex'));
        port.release(batch);
      }
    });
    return taken.flat().length >= count;
  });
  return taken;
}

test.serial('a replay that waits for its clients loses nothing, however fast it is', async (t) => {
  const { dispatcher, notes } = await replay(t, { rate: 'flat-out', loop: false, start: 'attached' });
  t.true(notes.includes('The replay begins once every queue has a client (device.start).'), notes.join('\n'));
  const client = await connect({ socket: dispatcher.socketPath });
  t.teardown(() => client.close());
  const rest = await client.attach('rest');
  await delay(100);
  t.is((await dispatcher.stats()).plane.received, 0);
  const echo = await client.attach('echo');
  const [ofEcho, ofRest] = await takeAll([echo, rest], PACKETS);

  const isEcho = (packet: string): boolean =>
    packet.slice(46, 48) === '11' && packet.slice(72, 76) === '0007';
  t.deepEqual(ofEcho, packetsOf(CAPTURE).filter(isEcho));
  t.deepEqual(
    ofRest,
    packetsOf(CAPTURE).filter((packet) => !isEcho(packet)),
  );
  const { queues } = await dispatcher.stats();
  t.deepEqual(
    queues.map((queue) => queue.dropNoClient),
    [0, 0],
  );
});

test.serial('a replay that waits for one queue begins with any, and goes on without it', async (t) => {
  const { dispatcher } = await replay(t, { rate: 4000, loop: true, start: 1 });
  const client = await connect({ socket: dispatcher.socketPath });
  t.teardown(() => client.close());
  await delay(50);
  t.is((await dispatcher.stats()).plane.received, 0);
  const echo = await client.attach('echo');
  await until('packets', async () => (await dispatcher.stats()).plane.received > 0);
  await echo.close();
  const { received } = (await dispatcher.stats()).plane;
  await until('more packets', async () => (await dispatcher.stats()).plane.received > received);
  t.true((await dispatcher.stats()).queues[0]!.dropNoClient > 0);
});

test.serial(
  'a replay that was stopped brings no more; a device that cannot be stopped says so',
  async (t) => {
    const { dispatcher } = await replay(t, { rate: 'flat-out', loop: true });
    await until('packets', async () => (await dispatcher.stats()).plane.received > 0);
    await dispatcher.stopReceiving();
    const { plane, queues } = await dispatcher.stats();
    t.is(plane.received, queues[0]!.dropNoClient + queues[1]!.dropNoClient);
    await delay(50);
    t.is((await dispatcher.stats()).plane.received, plane.received);

    const { dispatcher: other } = await startFake(t);
    t.true(isNicshareError(await t.throwsAsync(other.stopReceiving()), 'NotSupported'));
  },
);

test.serial(
  'of a device that carries no rules out, what no queue wants is counted by what was to become of it',
  async (t) => {
    const echoPackets = packetsOf(CAPTURE).filter((packet) => packet.slice(72, 76) === '0007').length;
    for (const unmatched of ['pass', 'drop'] as const) {
      const queues = [{ name: 'echo', match: ECHO }];
      const { dispatcher } = await replay(t, { rate: 'flat-out', loop: false }, { unmatched, queues });
      await until('the end', async () => (await dispatcher.stats()).plane.received === PACKETS);
      const { plane, device } = await dispatcher.stats();
      t.is(device.rules.coverage, 'none');
      const others = PACKETS - echoPackets;
      t.deepEqual(
        [plane.notPassed, plane.unmatchedDropped],
        unmatched === 'pass' ? [others, 0] : [0, others],
      );
    }
  },
);
