import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connect } from '@nicshare/client';
import { createDispatcher, type Dispatcher } from '@nicshare/dispatcher';
import { readCapture } from '@nicshare/driver';
import test, { type ExecutionContext } from 'ava';
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
  device: { rate: number | 'flat-out'; loop: boolean },
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
