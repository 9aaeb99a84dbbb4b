import { join } from 'node:path';
import { PollSet } from '@nicshare/shm/sys';
import test from 'ava';
import { packet } from '../conformance/packets.js';
import { BATCH_ENTRY } from '../tables.js';
import { PcapngFile, pcapFile } from './capture/samples.test.support.js';
import {
  directory,
  FRAME_SIZE,
  fresh,
  MS,
  open,
  openWaiting,
  recorded,
  samples,
  upTo,
  written,
} from './device.test.support.js';
import type { PcapOptions } from './options.js';

const WAIT_MS = 20_000;

test('flat out it hands over all packets at once, byte for byte and in order, then none', (t) => {
  const sent = upTo(150).map((number) => packet(number, 60 + number * 13));
  const file = written(pcapFile(sent.map((bytes, i) => ({ bytes, time: BigInt(i) * 10n ** 9n }))));
  const { device, takeBytes, notes } = open({ file, rate: 'flat-out' });
  t.deepEqual([...takeBytes(), ...takeBytes(), ...takeBytes()], sent);
  t.deepEqual(takeBytes(), []);
  for (let turn = 0; turn < 3; turn++) device.maintain();
  t.is(notes.length, 1);
  t.regex(notes[0]!, /has been replayed; nothing more will come/);
  t.true(device.prepareSleep());
  t.is(new PollSet(device.waitDescriptors).wait(0), 0);
  device.endSleep();
});

test('before it is started it hands over nothing and lets everybody sleep; the clock runs from its first burst', (t) => {
  const { device, take, clock, notes } = openWaiting({ file: written(pcapFile(samples(3))) });
  const descriptors = new PollSet(device.waitDescriptors);
  for (let turn = 0; turn < 3; turn++) {
    t.deepEqual(take(), []);
    device.maintain();
    t.true(device.prepareSleep());
    t.is(descriptors.wait(20), 0);
    device.endSleep();
    clock.now += 1000 * MS;
  }
  t.deepEqual(notes, []);
  device.start!();
  t.false(device.prepareSleep());
  t.deepEqual(take(), [0]);
  t.deepEqual(take(), []);
  device.start!();
  clock.now += MS;
  t.deepEqual(take(), [1]);
});

test('once it is stopped it hands over nothing more, and is not started again; it still sends', (t) => {
  const record = fresh();
  const options = { file: written(pcapFile(samples(3))), rate: 'flat-out', loop: true, record } as const;
  const { device, take, send, notes } = open(options);
  t.deepEqual(take(4), [0, 1, 2, 0]);
  device.stop!();
  t.deepEqual(take(), []);
  t.true(device.prepareSleep());
  device.endSleep();
  device.start!();
  t.deepEqual(take(), []);
  t.is(send([packet(7)]), 1);
  device.maintain();
  t.deepEqual(recorded(record), [packet(7)]);
  t.deepEqual(notes, []);
});

test('it hands over packets from the shortest to the longest, and no more than was asked for', (t) => {
  const sent = [14, 15, 33, 59, 60, 65, 127, 1500, FRAME_SIZE - 1, FRAME_SIZE].map((length, i) =>
    packet(i, length),
  );
  const file = written(pcapFile(sent.map((bytes) => ({ bytes, time: 0n }))));
  const { takeBytes } = open({ file, rate: 'flat-out' });
  for (const bytes of sent) t.deepEqual(takeBytes(1), [bytes]);
});

test('it replays as often as was asked for, or without end', (t) => {
  const file = written(pcapFile(samples(50)));
  const thrice = open({ file, rate: 'flat-out', loop: 3 });
  const all: number[] = [];
  for (let burst = thrice.take(); burst.length > 0; burst = thrice.take()) all.push(...burst);
  t.deepEqual(all, [...upTo(50), ...upTo(50), ...upTo(50)]);

  const endless = open({ file: written(pcapFile(samples(3))), rate: 'flat-out', loop: true });
  for (let burst = 0; burst < 300; burst++)
    t.deepEqual(
      endless.take(7),
      upTo(7, burst * 7).map((number) => number % 3),
    );
  t.false(endless.device.prepareSleep());
  endless.device.maintain();
  t.deepEqual(endless.notes, []);
});

test('as recorded, packets come when they are due; late ones follow at once', (t) => {
  const times = [0, 1, 1, 10, 500].map((ms) => BigInt(ms * MS) + 1_700_000_000_000_000_000n);
  const file = written(pcapFile(times.map((time, i) => ({ bytes: packet(i), time }))));
  const { take, clock, device } = open({ file });
  t.false(device.prepareSleep());
  t.deepEqual(take(), [0]);
  t.deepEqual(take(), []);
  clock.now += MS - 1;
  t.deepEqual(take(), []);
  clock.now += 1;
  t.false(device.prepareSleep());
  t.deepEqual(take(1), [1]);
  t.deepEqual(take(), [2]);
  clock.now += 1000 * MS;
  t.deepEqual(take(), [3, 4]);
  t.deepEqual(take(), []);
});

test('a looped replay keeps the mean gap between the last packet and the first', (t) => {
  const { take, clock } = open({ file: written(pcapFile(samples(5, 2 * MS))), loop: 2 });
  const all: [number, number][] = [];
  for (let ms = 0; ms < 40; ms++) {
    for (const number of take()) all.push([ms, number]);
    clock.now += MS;
  }
  t.deepEqual(
    all,
    upTo(10).map((i) => [i * 2, i % 5]),
  );
});

test('packets came when they were due, over passes too; flat out nobody knows', (t) => {
  const file = written(pcapFile(samples(3)));
  const { take, clock, device, batch } = open({ file, loop: true });
  const start = clock.now;
  take(2);
  clock.now += 10 * MS;
  t.deepEqual(take(3), [1, 2, 0]);
  const cameAt = upTo(3).map((i) => (device.fastPath.rxTime!(0, batch + i * BATCH_ENTRY) - start) / MS);
  t.deepEqual(cameAt, [1, 2, 3]);
  t.is(open({ file, rate: 'flat-out' }).device.fastPath.rxTime, undefined);
});

test('a given rate takes the place of the recorded times, over passes too', (t) => {
  const { take, clock } = open({ file: written(pcapFile(samples(3, 1000 * MS))), rate: 10_000, loop: true });
  t.deepEqual(take(), [0]);
  clock.now += 10 * MS;
  const all = [...take(), ...take()];
  t.deepEqual(
    all,
    upTo(100, 1).map((number) => number % 3),
  );
  t.deepEqual(take(), []);
});

test('a clock that was set back while the capture was made delays nothing, and simple packets follow at once', (t) => {
  const back = pcapFile([5, 3, 6].map((ms, i) => ({ bytes: packet(i), time: BigInt(ms * MS) })));
  const one = open({ file: written(back) });
  t.deepEqual(one.take(), [0, 1]);
  one.clock.now += MS;
  t.deepEqual(one.take(), [2]);

  const simple = new PcapngFile().section().interface();
  for (let i = 0; i < 3; i++) simple.simplePacket(packet(i));
  t.deepEqual(open({ file: written(simple.buffer) }).take(), [0, 1, 2]);
});

test('a sleeper is woken when the next packet is due, and not after it took its sleep back', (t) => {
  const { device, take, clock } = open({ file: written(pcapFile(samples(3, 20 * MS))) });
  const descriptors = new PollSet(device.waitDescriptors);
  t.deepEqual(take(), [0]);
  t.true(device.prepareSleep());
  t.is(descriptors.wait(WAIT_MS), 1);
  clock.now += 20 * MS;
  device.endSleep();
  t.is(descriptors.wait(0), 0);
  t.deepEqual(take(), [1]);
  t.true(device.prepareSleep());
  device.endSleep();
  t.is(descriptors.wait(50), 0);
  device.close();
});

test('several interfaces of Ethernet are replayed in the order of the file', (t) => {
  const file = new PcapngFile()
    .section()
    .interface()
    .interface({ resolution: 9 })
    .packet(0, 1000n, packet(0))
    .packet(1, 2_000_000n, packet(1))
    .packet(0, 3000n, packet(2));
  const { take, clock } = open({ file: written(file.buffer) });
  t.deepEqual(take(), [0]);
  clock.now += MS;
  t.deepEqual(take(), [1]);
  clock.now += MS;
  t.deepEqual(take(), [2]);
});

test('packets that cannot be replayed are counted, left out and noted', (t) => {
  const lengths = [13, 60, 2049, 0, 4000, 100];
  const list = lengths.map((length, i) => ({
    bytes: packet(i, length),
    time: 0n,
    original: Math.max(length, 100),
  }));
  const { device, takeBytes, notes } = open({ file: written(pcapFile(list)), rate: 'flat-out' });
  t.deepEqual(
    takeBytes().map(({ length }) => length),
    [60, 100],
  );
  t.deepEqual(device.stats().rxDropped, { runt: 2, tooLong: 2 });
  t.is(notes.length, 3);
  t.regex(notes[0]!, /2 packets are left out, .* shorter than an Ethernet header/);
  t.regex(notes[1]!, /2 packets are left out, .* frame of 2048 bytes; memory.frameSize/);
  t.regex(notes[2]!, /of 1 packets only the beginning was captured/);
});

test('a truncated capture is replayed up to there, and an empty one is quiet; both are noted', (t) => {
  const cut = open({ file: written(pcapFile(samples(10)).subarray(0, -1)), rate: 'flat-out' });
  t.deepEqual(cut.take(), upTo(9));
  t.regex(
    cut.notes[0]!,
    /is damaged: it ends within packet 10\. What stands before is replayed: 9 packets\./,
  );

  for (const loop of [false, true]) {
    const empty = open({ file: written(pcapFile([])), loop });
    t.deepEqual(empty.take(), []);
    t.true(empty.device.prepareSleep());
    empty.device.maintain();
    t.is(empty.notes.length, 1);
    t.regex(empty.notes[0]!, /has no packets to replay: nothing will come/);
  }
});

test('what it cannot replay is refused in words', (t) => {
  const file = written(pcapFile(samples(3)));
  const refused = (options: Partial<PcapOptions>, code: string, words: RegExp): void => {
    const error = t.throws(() => open({ file, ...options }));
    t.is(error.name, code, error.message);
    t.regex(error.message, words);
  };
  const missing = join(directory, 'missing.pcap');
  refused({ file: missing }, 'FileNotFound', /There is no file .*missing\.pcap/);
  refused({ file: directory }, 'InvalidArgument', /is no regular file/);
  refused({ file: written(Buffer.from('Hello, World')) }, 'CaptureInvalid', /is no capture.*pcap or pcapng/);
  const raw = written(pcapFile(samples(1), { linkType: 101 }));
  refused({ file: raw }, 'CaptureInvalid', /link type 101; only Ethernet \(1\).*tcpdump -i eth0/);
  refused({ rate: 0 }, 'InvalidArgument', /rate 0/);
  refused({ rate: Number.NaN }, 'InvalidArgument', /rate NaN/);
  refused({ loop: 0 }, 'InvalidArgument', /loop of 0/);
  refused({ loop: 1.5 }, 'InvalidArgument', /loop of 1.5/);
  refused({ rings: 2 as 1 }, 'InvalidArgument', /2 rings/);
  refused(
    { file: written(pcapFile(samples(2, 0))), loop: true },
    'InvalidArgument',
    /one time.*packets a second, or to 'flat-out'/,
  );
  refused(
    { file: written(pcapFile(samples(1000))), memory: 1 << 20 },
    'OutOfMemory',
    /1000 packets .* take 2 MiB .* \(1048576 bytes\)\. Set device\.memory to 2MiB, .* -c 508 /,
  );
  refused({ record: join(directory, 'none', 'x.pcapng') }, 'FileNotFound', /no directory for/);
  refused({ record: directory }, 'InvalidArgument', /cannot be written/);
});

test('its memory goes back to the arena when it is closed, once, and when it is refused', (t) => {
  const { device, arena } = open({ file: written(pcapFile(samples(3))), record: fresh() });
  const { used } = arena;
  device.close();
  t.notThrows(() => device.close());
  t.true(arena.used < used);
  t.is(arena.used, 2 << 20);
});

test('it says what it is, and carries no rules out', (t) => {
  const file = written(pcapFile(samples(3)));
  const { device } = open({ file, rate: 1000, loop: 4 });
  t.regex(device.info.mode, /^3 packets of \d+\.pcap, 1000 packets\/s, 4 times$/);
  const { coverage, why } = device.setRules({ matches: [], unmatched: 'drop' });
  t.is(coverage, 'none');
  t.truthy(why);
});
