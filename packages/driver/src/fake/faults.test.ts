import { isNicshareError } from '@nicshare/shm';
import { PollSet } from '@nicshare/shm/sys';
import test from 'ava';
import { numbered, type Plugged, plugged, RING_SIZE } from './fake.test.support.js';
import type { Lie } from './wire-queue.js';

/** Packets go through as if nothing had been, all frames of both directions several times round. */
function works({ wire, take, send }: Plugged): boolean {
  for (let i = 0; i < 10 * RING_SIZE; i++) {
    const value = i & 0xff;
    if (!wire.inject(numbered(value)) || take()[0] !== value) return false;
    if (!send(value) || wire.capture()[0]?.[0] !== value) return false;
  }
  return true;
}

test('while the link is down, packets are lost in both directions and counted', (t) => {
  const plug = plugged();
  const { device, wire, take, send } = plug;
  t.is(device.stats().link, 'up');
  wire.setLink('down');
  t.is(device.stats().link, 'down');
  t.false(wire.inject(numbered(1)));
  t.true(send(2));
  t.deepEqual(take(), []);
  t.deepEqual(wire.capture(), []);
  t.like(device.stats(), { rxDropped: { linkDown: 1 }, txDropped: { linkDown: 1 } });
  wire.setLink('up');
  t.true(works(plug));
  t.like(device.stats(), { link: 'up', rxDropped: { linkDown: 1 }, txDropped: { linkDown: 1 } });
});

test('what had come before the link went down is still there', (t) => {
  const { wire, take } = plugged();
  wire.inject(numbered(7));
  wire.setLink('down');
  t.deepEqual(take(), [7]);
});

test('rings can be full on demand', (t) => {
  const plug = plugged();
  plug.wire.setFull(true);
  t.false(plug.wire.inject(numbered(1)));
  t.is(plug.device.stats().rxDropped.ringFull, 1);
  plug.wire.setFull(false);
  t.true(works(plug));
});

for (const lie of ['empty', 'too-long', 'outside', 'twice'] as const satisfies readonly Lie[])
  test(`a descriptor of a received packet that is '${lie}' is dropped and counted, and no frame is lost`, (t) => {
    const plug = plugged();
    const { device, wire, batch } = plug;
    wire.inject(numbered(1));
    t.is(device.fastPath.rxBurst(0, batch, 1), 1);
    for (let i = 0; i < 5 * RING_SIZE; i++) {
      t.true(wire.lie(lie));
      t.is(device.fastPath.rxBurst(0, batch + 8, 64), 0);
    }
    t.is(device.stats().rxDropped.wrongDescriptor, 5 * RING_SIZE);
    t.notThrows(() => device.fastPath.rxRelease(0, batch, 1));
    t.true(works(plug));
    t.is(device.stats().rings![0]!.rxFree, 2 * RING_SIZE);
  });

test('a frame that is handed out twice while nobody holds it is never held twice', (t) => {
  const plug = plugged();
  const { device, wire, batch, words, take } = plug;
  wire.inject(numbered(1));
  take();
  for (let i = 0; i < 5 * RING_SIZE; i++) {
    t.true(wire.lie('twice'));
    t.true(wire.inject(numbered(2)));
    const count = device.fastPath.rxBurst(0, batch, 64);
    const frames = Array.from({ length: count }, (_, index) => words[(batch + index * 8) / 4]!);
    t.is(new Set(frames).size, count);
    device.fastPath.rxRelease(0, batch, count);
  }
  t.true(works(plug));
  t.is(device.stats().rings![0]!.rxFree, 2 * RING_SIZE);
});

for (const lie of ['sent-outside', 'sent-twice'] as const satisfies readonly Lie[])
  test(`of a sent packet a frame that is '${lie}' is counted, and no frame is free twice`, (t) => {
    const plug = plugged();
    const { device, wire, send } = plug;
    t.true(send(1));
    wire.capture();
    for (let i = 0; i < 3 * RING_SIZE; i++) {
      t.true(wire.lie(lie));
      t.true(send(2));
      t.is(wire.capture().length, 1);
    }
    t.true(device.stats().txDropped.wrongCompletion! > 0);
    t.true(works(plug));
    let free = 0;
    while (send(3)) free++;
    t.is(free, RING_SIZE);
  });

test('whatever the card says in whatever order, frames lie within the device, and no two holders have one', (t) => {
  const plug = plugged();
  const { device, wire, batch, words, send } = plug;
  const [region] = device.rxRegions;
  const lies = ['empty', 'too-long', 'outside', 'twice', 'sent-outside', 'sent-twice'] as const;
  const held = new Set<number>();
  let state = 0x2545f491;
  const random = (below: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
  for (let step = 0; step < 20_000; step++) {
    const act = random(6);
    if (act === 0) wire.lie(lies[random(lies.length)]!);
    else if (act === 1) wire.inject(numbered(step & 0xff));
    else if (act === 2) send(step & 0xff);
    else if (act === 3) t.true(wire.capture(random(4)).every(({ length }) => length === 60));
    else if (act === 4) {
      const count = device.fastPath.rxBurst(0, batch, 1 + random(8));
      for (let i = 0; i < count; i++) {
        const [offset, length] = [words[(batch + i * 8) / 4]!, words[(batch + i * 8) / 4 + 1]!];
        if (held.has(offset)) t.fail(`${offset} is held already`);
        held.add(offset);
        if (offset < region!.offset || offset + length > region!.offset + region!.bytes)
          t.fail(`${offset} and ${length} bytes are not the device's`);
      }
    } else
      for (const offset of [...held].slice(0, random(8))) {
        held.delete(offset);
        words[batch / 4] = offset;
        device.fastPath.rxRelease(0, batch, 1);
      }
    device.maintain();
  }
  t.true(device.stats().rxDropped.wrongDescriptor! > 100 && device.stats().txDropped.wrongCompletion! > 100);
});

test('a ring whose cursor cannot be ends the device, and hands over nothing', (t) => {
  const { device, wire, take } = plugged();
  t.true(wire.lie('cursor'));
  t.deepEqual(take(), []);
  t.false(device.prepareSleep());
  t.true(
    isNicshareError(
      t.throws(() => device.maintain()),
      'DeviceFailed',
    ),
  );
});

for (const how of ['DeviceFailed', 'InterfaceLost'] as const)
  test(`a device that dies by ${how} says so, wakes its sleeper, and is as good as closed for its wire`, (t) => {
    const { device, wire } = plugged();
    const descriptors = new PollSet(device.waitDescriptors);
    t.true(device.prepareSleep());
    wire.die(how);
    t.is(descriptors.wait(0), 1);
    device.endSleep();
    t.false(device.prepareSleep());
    t.true(
      isNicshareError(
        t.throws(() => device.maintain()),
        how,
      ),
    );
    t.false(wire.inject(numbered(1)));
    wire.die(how === 'DeviceFailed' ? 'InterfaceLost' : 'DeviceFailed');
    t.true(
      isNicshareError(
        t.throws(() => device.maintain()),
        how,
      ),
    );
    t.notThrows(() => device.close());
  });

test("what is planned happens by the test's clock, in the order of time, and says when the next is", (t) => {
  const hour = 3600e9;
  let now = 0;
  const { device, wire, take } = plugged({}, { clock: () => now });
  wire.at(24 * hour, () => wire.setLink('up'));
  wire.at(hour, (far) => far.inject(numbered(1)));
  wire.at(hour, (far) => far.inject(numbered(2)));
  wire.at(2 * hour, (far) => far.setLink('down'));
  wire.at(3 * hour, (far) => far.inject(numbered(3)));
  t.is(wire.advance(), hour);
  t.deepEqual(take(), []);
  now = hour;
  t.is(wire.advance(), 2 * hour);
  t.deepEqual(take(), [1, 2]);
  now = 5 * hour;
  t.is(wire.advance(), 24 * hour);
  t.deepEqual(take(), []);
  t.like(device.stats(), { link: 'down', rxDropped: { linkDown: 1 } });
  now = 24 * hour;
  t.is(wire.advance(), undefined);
  t.is(device.stats().link, 'up');
});
