/* Mode `shared` on devices that hand a frame out again when its packet's turn comes, whoever holds it. */
import { fileURLToPath } from 'node:url';
import { connect, type Port } from '@nicshare/client';
import { createDispatcher, type Dispatcher, type DispatcherOptions } from '@nicshare/dispatcher';
import { readCapture } from '@nicshare/driver';
import test, { type ExecutionContext } from 'ava';
import { scratchSocket } from './support/scratch.js';
import { until } from './support/until.js';

const CAPTURE = fileURLToPath(new URL('../../examples/captures/demo.pcap', import.meta.url));

async function attached(
  t: ExecutionContext,
  device: DispatcherOptions['device'],
): Promise<{ dispatcher: Dispatcher; port: Port }> {
  const dispatcher = await createDispatcher({
    socket: { path: scratchSocket(t) },
    device,
    memory: { ringSize: 1024, hugepages: 'never' },
    queues: [{ name: 'all', mode: 'shared', credit: 256, match: 'any' }],
  });
  t.teardown(() => dispatcher.close());
  const client = await connect({ socket: dispatcher.socketPath });
  t.teardown(() => client.close());
  return { dispatcher, port: await client.attach('all') };
}

const framesOf = async (dispatcher: Dispatcher) => (await dispatcher.stats()).queues[0]!.client!.frames;

test.serial(
  'a client that holds every frame of a replay gets none twice, and all again when it returns them',
  async (t) => {
    const frames = 64;
    const { dispatcher, port } = await attached(t, {
      driver: 'null',
      packetSize: 64,
      frames,
      destinationPorts: [7],
    });
    const held = port.createBatch(frames);
    for (let round = 0; round < 3; round++) {
      await until('every frame', () => port.rxBurst(held) > 0);
      await until('the device comes round', () => port.counters.rxDropNoFrame > 1000 * (round + 1));
      t.is(held.count, frames);
      t.is(new Set(held.offset).size, frames);
      const { client } = await framesOf(dispatcher);
      t.is(client, frames);
      port.release(held);
    }
    t.is(port.counters.rxDropNoCredit, 0);
    await port.close();
    await until('the session is over', async () => (await dispatcher.stats()).queues[0]!.client === null);
    t.is((await dispatcher.stats()).ledgerErrors, 0);
  },
);

test.serial(
  'a capture is read where it was loaded, and what is lost for want of credit is counted',
  async (t) => {
    const packets: string[] = [];
    readCapture(CAPTURE, ({ bytes }) => packets.push(bytes.toString('hex')));
    const { dispatcher, port } = await attached(t, {
      driver: 'pcap',
      file: CAPTURE,
      rate: 4000,
      start: 'attached',
    });
    // The client is slow: it holds all its credit before it returns any.
    const batches = Array.from({ length: 256 }, () => port.createBatch(1));
    for (const [i, batch] of batches.entries()) {
      await until('a packet', () => port.rxBurst(batch) === 1);
      t.is(Buffer.from(batch.packet(0)).toString('hex'), packets[i]);
    }
    const lost = packets.length - batches.length;
    await until('the rest is counted', () => port.counters.rxDropNoCredit === lost);
    t.deepEqual(await framesOf(dispatcher), { total: 256, free: 0, inRing: 0, client: 256 });
    for (const batch of batches) port.release(batch);
  },
);
