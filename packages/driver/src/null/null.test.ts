import { Arena, isNicshareError } from '@nicshare/shm';
import test from 'ava';
import type { Device } from '../device.js';
import { openDevice } from '../open.js';
import { BATCH_ENTRY, BATCH_LENGTH, BATCH_OFFSET, MAX_BURST } from '../tables.js';
import type { NullOptions } from './device.js';
import { internetChecksum, xorshift32 } from './packets.js';

const FRAMES = 256;
const HEADERS = 42;

interface Opened {
  readonly device: Device;
  readonly arena: Arena;
  /** Takes a burst, as offset and length. */
  take(max: number): { offset: number; length: number }[];
  readonly batch: number;
  readonly view: DataView;
}

function open(options: Partial<NullOptions> = {}): Opened {
  const arena = Arena.create(16 << 20, { shared: true });
  const device = openDevice(
    { driver: 'null', packetSize: 64, destinationPorts: [53, 7000], frames: FRAMES, ...options },
    { arena, frameSize: 2048, ringSize: 64, hugepages: 'never', note: () => {} },
  );
  const batch = arena.allocate(MAX_BURST * BATCH_ENTRY);
  const view = new DataView(arena.memory.buffer);
  const take = (max: number): { offset: number; length: number }[] =>
    Array.from({ length: device.fastPath.rxBurst(0, batch, max) }, (_, i) => ({
      offset: view.getUint32(batch + i * BATCH_ENTRY + BATCH_OFFSET, true),
      length: view.getUint32(batch + i * BATCH_ENTRY + BATCH_LENGTH, true),
    }));
  return { device, arena, take, batch, view };
}

/** Bytes of all prepared packets. */
function pool({ arena, take }: Opened): Buffer[] {
  const bytes = Buffer.from(arena.memory.buffer);
  return Array.from({ length: FRAMES / 64 }, () => take(64))
    .flat()
    .map(({ offset, length }) => Buffer.from(bytes.subarray(offset, offset + length)));
}

test('hands out as many packets as were asked for, without end, round and round', (t) => {
  const { take } = open();
  const first = Array.from({ length: FRAMES / 64 }, () => take(64)).flat();
  const second = [...take(1), ...take(0), ...take(63), ...take(64), ...take(64), ...take(64)];
  t.is(new Set(first.map(({ offset }) => offset)).size, FRAMES);
  t.deepEqual(second, first);
  t.true(first.every(({ length }) => length === 64));
  t.true(first.every(({ offset }, i) => offset === first[0]!.offset + i * 2048));
});

for (const packetSize of [60, 64, 1500, 2048])
  test(`${packetSize} bytes: each is a valid UDP packet to one of the ports, each port gets some`, (t) => {
    const packets = pool(open({ packetSize }));
    const ports = new Map<number, number>();
    for (const packet of packets) {
      const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
      t.is(packet.length, packetSize);
      t.is(packet.subarray(0, 6).toString('hex'), '020000000f0f');
      t.is(view.getUint16(12), 0x0800);
      t.is(view.getUint8(14), 0x45);
      t.is(view.getUint16(16), packetSize - 14);
      t.is(view.getUint8(23), 17);
      t.is(internetChecksum(view, 14, 20), 0);
      t.is(view.getUint16(38), packetSize - 34);
      const port = view.getUint16(36);
      ports.set(port, (ports.get(port) ?? 0) + 1);
    }
    t.deepEqual([...ports.keys()].sort(), [53, 7000]);
    t.true([...ports.values()].every((count) => count > FRAMES / 4));
  });

test('flows differ from each other, are the same for a seed and others for another one', (t) => {
  const flows = (seed: number): string[] =>
    pool(open({ seed })).map((packet) => packet.subarray(26, HEADERS - 4).toString('hex'));
  const one = flows(7);
  t.is(new Set(one).size, FRAMES);
  t.deepEqual(flows(7), one);
  t.notDeepEqual(flows(8), one);
});

test('names the same TX frames until they are sent, and counts what it discards', (t) => {
  const { device, batch, view } = open();
  const { fastPath } = device;
  const offset = (index: number): number => view.getUint32(batch + index * BATCH_ENTRY + BATCH_OFFSET, true);
  t.is(fastPath.txReserve(0, batch, 64), 64);
  const third = offset(2);
  t.is(fastPath.txReserve(0, batch, 3), 3);
  t.is(offset(2), third);
  fastPath.txBurst(0, batch, 2);
  t.is(fastPath.txReserve(0, batch, 1), 1);
  t.is(offset(0), third);
  for (let i = 0; i < 100; i++) fastPath.txBurst(0, batch, fastPath.txReserve(0, batch, 64));
  t.deepEqual(device.stats(), { rxDropped: {}, txDropped: { discarded: 6402 } });
  device.close();
  t.is(device.stats().txDropped.discarded, 6402);
});

test('nobody may sleep: packets always wait', (t) => {
  const { device } = open();
  t.false(device.prepareSleep());
  t.deepEqual(device.waitDescriptors, []);
  t.is(device.setRules({ matches: [{}], unmatched: 'pass' }).coverage, 'none');
});

test('its memory goes back to the arena when it is closed, once', (t) => {
  const { device, arena, batch } = open();
  device.close();
  t.notThrows(() => device.close());
  arena.release(batch);
  t.is(arena.used, 0);
});

test('what it cannot be is refused with the limits', (t) => {
  const wrong: Partial<NullOptions>[] = [
    { packetSize: 59 },
    { packetSize: 2049 },
    { packetSize: 64.5 },
    { frames: 1000 },
    { frames: 0 },
    { destinationPorts: [] },
    { destinationPorts: [65536] },
  ];
  for (const options of wrong)
    t.true(
      isNicshareError(
        t.throws(() => open(options)),
        'InvalidArgument',
      ),
      JSON.stringify(options),
    );
});

test('the generator never gets stuck at zero', (t) => {
  const random = xorshift32(0);
  const numbers = Array.from({ length: 1000 }, random);
  t.is(new Set(numbers).size, 1000);
  t.true(numbers.every((number) => number >= 0 && number <= 0xffffffff));
});
