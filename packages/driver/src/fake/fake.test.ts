import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { isNicshareError } from '@nicshare/shm';
import test from 'ava';
import { deviceConformance } from '../conformance.js';
import { BATCH_LENGTH, MAX_BURST } from '../tables.js';
import { context, numbered, plugged, RING_SIZE } from './fake.test.support.js';
import { FakeWire } from './wire.js';

deviceConformance(test, 'fake', () => {
  const { device, wire, arena } = plugged({ rings: 2 });
  return {
    device,
    arena,
    ringSize: RING_SIZE,
    outside: {
      send: (packet) => {
        wire.inject(packet);
      },
      receive: () => wire.capture(),
    },
    close: () => {
      wire.close();
      device.close();
    },
  };
});

test('it goes on while its spare frames are out', (t) => {
  const spareFrames = 100;
  const { device, wire, batch, words } = plugged({}, { spareFrames });
  const { rxBurst, rxRelease } = device.fastPath;
  t.is(device.stats().rings![0]!.rxFree, 2 * RING_SIZE + spareFrames);
  const held: number[] = [];
  for (let i = 0; i < spareFrames; i++) {
    t.true(wire.inject(numbered(i)));
    t.is(rxBurst(0, batch, 1), 1);
    held.push(words[batch / 4]!);
  }
  for (let round = 0; round < 10; round++) {
    for (let i = 0; i < RING_SIZE; i++) t.true(wire.inject(numbered(i)));
    rxRelease(0, batch, rxBurst(0, batch, RING_SIZE));
  }
  for (const offset of held) {
    words[batch / 4] = offset;
    rxRelease(0, batch, 1);
  }
  t.is(device.stats().rings![0]!.rxFree, 2 * RING_SIZE + spareFrames);
  wire.close();
  device.close();
});

test('its rings show what waits in them', (t) => {
  const { device, wire, batch } = plugged({ rings: 2 });
  for (let i = 0; i < 5; i++) wire.inject(numbered(i), 1);
  const [idle, busy] = device.stats().rings!;
  t.deepEqual([idle!.rxWaiting, idle!.rxFree], [0, 2 * RING_SIZE]);
  t.deepEqual([busy!.rxWaiting, busy!.rxFree, busy!.rxPackets], [5, 2 * RING_SIZE - 5, 0]);
  device.fastPath.rxBurst(1, batch, 3);
  const after = device.stats().rings![1]!;
  t.deepEqual([after.rxWaiting, after.rxPackets], [2, 3]);
});

test('each ring has packets of its own', (t) => {
  const { device, wire, batch, words } = plugged({ rings: 3 });
  for (let ring = 0; ring < 3; ring++) for (let i = 0; i <= ring; i++) wire.inject(numbered(ring), ring);
  for (let ring = 0; ring < 3; ring++) {
    t.is(device.fastPath.rxBurst(ring, batch, MAX_BURST), ring + 1);
    t.is(words[(batch + BATCH_LENGTH) / 4], 60);
  }
  t.true(
    isNicshareError(
      t.throws(() => wire.inject(numbered(0), 3)),
      'InvalidArgument',
    ),
  );
});

test('capture takes all TxQueues, one after the other, and no more than was asked for', (t) => {
  const { device, wire, batch, words } = plugged({ rings: 2 });
  for (const [queue, value] of [
    [1, 7],
    [0, 5],
    [1, 8],
  ] as const) {
    device.fastPath.txReserve(queue, batch, 1);
    words[words[batch / 4]! / 4] = value;
    words[(batch + BATCH_LENGTH) / 4] = 60;
    device.fastPath.txBurst(queue, batch, 1);
  }
  const first = wire.capture(2).map((packet) => packet[0]);
  t.deepEqual([...first, ...wire.capture().map((packet) => packet[0])], [5, 7, 8]);
  t.deepEqual(wire.capture(), []);
});

test('inject tells a loss, and the device counts it by its reason', (t) => {
  const { device, wire, batch } = plugged();
  const fill = (): number => {
    let accepted = 0;
    while (wire.inject(numbered(1))) accepted++;
    return accepted;
  };
  t.is(fill(), RING_SIZE);
  t.is(device.stats().rxDropped.ringFull, 1);
  t.is(device.fastPath.rxBurst(0, batch, MAX_BURST), RING_SIZE);
  t.is(fill(), RING_SIZE);
  t.is(device.fastPath.rxBurst(0, batch, MAX_BURST), RING_SIZE);
  t.false(wire.inject(numbered(1)));
  t.is(device.stats().rxDropped.noFrame, 1);
  t.false(wire.inject(new Uint8Array(0)));
  t.false(wire.inject(new Uint8Array(2049)));
  const before = device.stats();
  t.is(before.rxDropped.wrongLength, 2);
  device.close();
  t.deepEqual(device.stats(), before);
});

test('a frame that is given back twice, or was never handed out, throws', (t) => {
  const { device, wire, batch, words } = plugged();
  wire.inject(numbered(1));
  t.is(device.fastPath.rxBurst(0, batch, 1), 1);
  device.fastPath.rxRelease(0, batch, 1);
  t.throws(() => device.fastPath.rxRelease(0, batch, 1), { message: /given back before/ });
  words[batch / 4] = 12345;
  t.throws(() => device.fastPath.rxRelease(0, batch, 1), { message: /not handed out/ });
});

test('a frame that was not reserved, or is sent twice, throws', (t) => {
  const { device, batch, words } = plugged();
  device.fastPath.txReserve(0, batch, 1);
  words[(batch + BATCH_LENGTH) / 4] = 60;
  device.fastPath.txBurst(0, batch, 1);
  t.throws(() => device.fastPath.txBurst(0, batch, 1), { message: /not the next that txReserve named/ });
});

test('packets of a wrong length are not sent, but counted, and their frames are free again', (t) => {
  const { device, wire, batch, words } = plugged();
  for (const length of [13, 1515, 0, 0xffffffff])
    for (let i = 0; i < RING_SIZE; i++) {
      t.is(device.fastPath.txReserve(0, batch, 1), 1);
      words[(batch + BATCH_LENGTH) / 4] = length;
      device.fastPath.txBurst(0, batch, 1);
    }
  t.deepEqual(wire.capture(), []);
  const { runt, oversized } = device.stats().txDropped;
  t.deepEqual({ runt, oversized }, { runt: 2 * RING_SIZE, oversized: 2 * RING_SIZE });
});

test('a device that is not read takes no more than its frames', (t) => {
  const { device, batch, words } = plugged();
  let sent = 0;
  while (device.fastPath.txReserve(0, batch, 1) === 1) {
    words[(batch + BATCH_LENGTH) / 4] = 60;
    device.fastPath.txBurst(0, batch, 1);
    sent++;
  }
  t.is(sent, RING_SIZE);
});

test('the MAC address is the one asked for, and a wrong one is refused', (t) => {
  t.deepEqual([...plugged({ mac: '02:00:00:00:00:07' }).device.info.mac], [2, 0, 0, 0, 0, 7]);
  t.true(
    isNicshareError(
      t.throws(() => plugged({ mac: 'no' })),
      'InvalidArgument',
    ),
  );
  t.true(
    isNicshareError(
      t.throws(() => plugged({ rings: 0 })),
      'InvalidArgument',
    ),
  );
});

test('a wire whose device is closed loses everything and touches nothing', (t) => {
  const { device, wire } = plugged();
  wire.inject(numbered(1));
  device.close();
  t.false(wire.inject(numbered(2)));
  t.deepEqual(wire.capture(), []);
  wire.close();
  t.notThrows(() => wire.close());
});

test('a device in a worker thread that sleeps in poll(2) is woken by the wire, and echoes', async (t) => {
  const { arena } = context();
  const worker = new Worker(new URL('./fake.test.worker.js', import.meta.url), {
    workerData: { memory: arena.memory, ringSize: RING_SIZE, packets: 50 },
  });
  const ended = once(worker, 'exit');
  const [description] = await once(worker, 'message');
  const wire = new FakeWire(arena.memory, description);
  const echoed: number[] = [];
  for (let i = 0; i < 50; i++) {
    t.true(wire.inject(numbered(i)));
    while (echoed.length <= i) {
      echoed.push(...wire.capture().map((packet) => packet[0]!));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  t.deepEqual(
    echoed,
    Array.from({ length: 50 }, (_, i) => i),
  );
  wire.close();
  worker.postMessage('end');
  t.deepEqual(await ended, [0]);
});
