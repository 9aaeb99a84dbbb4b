import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isNicshareError } from '@nicshare/shm';
import test from 'ava';
import { xorshift32 } from '../../null/packets.js';
import { MAX_WRITTEN, WRITER_BYTES } from './blocks.js';
import type { CapturedPacket } from './packet.js';
import { readCapture } from './read.js';
import { PcapngFile, pcapFile, type Sample } from './samples.test.support.js';
import { CaptureWriter } from './write.js';

const directory = mkdtempSync(join(tmpdir(), 'nicshare-capture-'));
test.after.always(() => rmSync(directory, { recursive: true, force: true }));

let files = 0;
function written(content: Uint8Array): string {
  const path = join(directory, `${files++}.cap`);
  writeFileSync(path, content);
  return path;
}

interface Read {
  readonly packets: readonly (Omit<CapturedPacket, 'bytes'> & { readonly hex: string })[];
  readonly format: string;
  readonly damage: string | undefined;
}

function read(path: string): Read {
  const packets: (Omit<CapturedPacket, 'bytes'> & { hex: string })[] = [];
  const { format, damage } = readCapture(path, ({ bytes, ...rest }) => {
    packets.push({ ...rest, hex: bytes.toString('hex') });
  });
  return { packets, format, damage };
}

/** Packets of random lengths, bytes and times, the same for a seed. */
function randomPackets(seed: number, count: number, longest = 2000): Sample[] {
  const random = xorshift32(seed);
  return Array.from({ length: count }, () => ({
    bytes: Uint8Array.from({ length: random() % (longest + 1) }, () => random() & 0xff),
    time: BigInt(random() & 0x7fffffff) * 1_000_000_000n + BigInt(random() % 1_000_000) * 1000n,
  }));
}

const expected = (packets: readonly Sample[], linkType = 1): Read['packets'] =>
  packets.map(({ bytes, time, original = bytes.length }) => ({
    hex: Buffer.from(bytes).toString('hex'),
    capturedLength: bytes.length,
    originalLength: original,
    time,
    linkType,
  }));

for (const littleEndian of [true, false])
  for (const nanoseconds of [true, false])
    test(`reads pcap, ${littleEndian ? 'little' : 'big'} endian, in ${nanoseconds ? 'nano' : 'micro'}seconds`, (t) => {
      const packets = randomPackets(1, 50).map((packet) => ({
        ...packet,
        time: packet.time + (nanoseconds ? 789n : 0n),
        original: packet.bytes.length + 100,
      }));
      const result = read(written(pcapFile(packets, { littleEndian, nanoseconds, linkType: 113 })));
      t.is(result.format, 'pcap');
      t.is(result.damage, undefined);
      t.deepEqual(result.packets, expected(packets, 113));
    });

test('a pcap file may be longer than what is looked at in one piece', (t) => {
  const packets = randomPackets(2, 1500);
  t.deepEqual(read(written(pcapFile(packets))).packets, expected(packets));
});

test('the bits above the link type, which tell of a frame check sequence, are not part of it', (t) => {
  const packets = randomPackets(3, 1);
  const file = pcapFile(packets, { linkType: (0x24000000 | 1) >>> 0 });
  t.is(read(written(file)).packets[0]!.linkType, 1);
});

for (const littleEndian of [true, false])
  test(`reads pcapng, ${littleEndian ? 'little' : 'big'} endian, of several interfaces`, (t) => {
    const bytes = Uint8Array.of(1, 2, 3, 4, 5);
    const file = new PcapngFile(littleEndian)
      .section()
      .interface()
      .interface({ resolution: 9, offset: 1000n })
      .interface({ resolution: 0x80 | 10, linkType: 113 })
      .interface({ resolution: 3, offset: -1n })
      .packet(0, 1_700_000_000_000_001n, bytes)
      .packet(1, 5_000_000_007n, bytes)
      .block(0x0bad, Buffer.alloc(64))
      .packet(2, 1536n, bytes)
      .obsoletePacket(3, 4500n, bytes);
    const { packets, damage, format } = read(written(file.buffer));
    t.is(damage, undefined);
    t.is(format, 'pcapng');
    t.deepEqual(
      packets.map(({ time, linkType, hex }) => [time, linkType, hex]),
      [
        [1_700_000_000_000_001_000n, 1, '0102030405'],
        [1_005_000_000_007n, 1, '0102030405'],
        [1_500_000_000n, 113, '0102030405'],
        [3_500_000_000n, 1, '0102030405'],
      ],
    );
  });

test('a simple packet has no time, and its length is cut by the interface', (t) => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6);
  const file = new PcapngFile()
    .section()
    .interface({ snapLength: 6 })
    .simplePacket(bytes, 1000)
    .simplePacket(bytes.subarray(0, 3));
  t.deepEqual(
    read(written(file.buffer)).packets.map(({ time, hex, originalLength }) => [time, hex, originalLength]),
    [
      [undefined, '010203040506', 1000],
      [undefined, '010203', 3],
    ],
  );
});

test('each section has byte order and interfaces of its own', (t) => {
  const one = new PcapngFile(true).section().interface({ linkType: 7 }).packet(0, 1n, Uint8Array.of(1));
  const two = new PcapngFile(false).section().interface({ linkType: 8 }).packet(0, 2n, Uint8Array.of(2));
  const lost = new PcapngFile(true).section().packet(0, 3n, Uint8Array.of(3));
  const { packets, damage } = read(written(Buffer.concat([one.buffer, two.buffer, lost.buffer])));
  t.deepEqual(
    packets.map(({ linkType, hex }) => [linkType, hex]),
    [
      [7, '01'],
      [8, '02'],
    ],
  );
  t.regex(damage!, /interface 0, which is not described \(byte \d+\)/);
});

function refused(
  t: { true(value: unknown, message?: string): void },
  content: Uint8Array,
  reason: RegExp,
): void {
  let error: unknown;
  try {
    read(written(content));
  } catch (thrown) {
    error = thrown;
  }
  t.true(isNicshareError(error, 'CaptureInvalid'), String(error));
  t.true(reason.test((error as Error).message), (error as Error).message);
}

test('what is no capture, or whose header is broken, is refused', (t) => {
  const section = new PcapngFile().section().buffer;
  refused(t, Buffer.alloc(0), /is empty/);
  refused(t, Buffer.from('hi'), /is no capture/);
  refused(t, Buffer.from('#!/bin/sh\necho hello\n'), /is no capture/);
  refused(t, pcapFile([]).subarray(0, 23), /within the header/);
  refused(t, pcapFile([], { version: [3, 0] }), /version 3\.0/);
  refused(t, section.subarray(0, 20), /is broken: it ends within a block/);
  refused(t, Buffer.concat([section.subarray(0, 8), Buffer.alloc(20)]), /no byte-order magic/);
  refused(t, new PcapngFile().section(2).buffer, /version 2 of pcapng/);
  const wrongTrailer = Buffer.from(section);
  wrongTrailer[24] = 99;
  refused(t, wrongTrailer, /two different lengths/);
});

test('a pcap file cut anywhere gives the packets before the cut, and says so', (t) => {
  const packets = randomPackets(4, 4, 40);
  const whole = pcapFile(packets);
  const ends = packets.map((_, index) => pcapFile(packets.slice(0, index + 1)).length);
  for (let length = 24; length < whole.length; length++) {
    const { packets: got, damage } = read(written(whole.subarray(0, length)));
    t.deepEqual(got, expected(packets.slice(0, ends.filter((end) => end <= length).length)));
    const clean = length === 24 || ends.includes(length);
    t.is(damage === undefined, clean, `${length}: ${damage}`);
  }
});

test('a pcapng file cut anywhere gives the packets before the cut, and says so', (t) => {
  const bytes = Uint8Array.of(1, 2, 3);
  const header = new PcapngFile().section().interface().buffer;
  const packet = new PcapngFile().packet(0, 1n, bytes).buffer;
  const whole = Buffer.concat([header, packet, packet, packet]);
  for (let length = header.length; length < whole.length; length++) {
    const { packets, damage } = read(written(whole.subarray(0, length)));
    t.is(packets.length, Math.floor((length - header.length) / packet.length));
    t.is(damage === undefined, (length - header.length) % packet.length === 0, `${length}: ${damage}`);
  }
});

test('lengths that cannot be end the reading where they stand', (t) => {
  const packets = randomPackets(5, 3, 40);
  const huge = pcapFile(packets);
  huge.writeUInt32LE(0x7fffffff, 24 + 8);
  t.deepEqual(
    [read(written(huge)).packets.length, read(written(huge)).damage],
    [0, 'packet 1 claims 2147483647 bytes'],
  );
  const hugeSnapLength = pcapFile(packets, { snapLength: 0xffffffff });
  t.is(read(written(hugeSnapLength)).packets.length, 3);
  hugeSnapLength.writeUInt32LE(0xfffffff0, 24 + 8);
  t.is(read(written(hugeSnapLength)).damage, 'it ends within packet 1');

  const header = new PcapngFile().section().interface();
  for (const [block, reason] of [
    [Buffer.of(6, 0, 0, 0, 8, 0, 0, 0, 8, 0, 0, 0), /claims 8 bytes/],
    [Buffer.of(6, 0, 0, 0, 33, 0, 0, 0, 8, 0, 0, 0), /claims 33 bytes/],
    [Buffer.of(6, 0, 0, 0, 0xff, 0xff, 0xff, 0xfc, 8, 0, 0, 0), /claims \d+ bytes/],
    [Buffer.of(6, 0, 0, 0, 0xfc, 0xff, 0xff, 0xff, 8, 0, 0, 0), /ends within a block/],
    [new PcapngFile().packet(9, 1n, Uint8Array.of(1)).buffer, /interface 9/],
  ] as const)
    t.regex(read(written(Buffer.concat([header.buffer, block]))).damage!, reason);
  const lying = new PcapngFile().packet(0, 1n, Uint8Array.of(1, 2, 3, 4)).buffer;
  lying.writeUInt32LE(5, 20);
  t.regex(read(written(Buffer.concat([header.buffer, lying]))).damage!, /claims 5 bytes in a block of 36/);
});

test('a packet longer than any that libpcap takes is passed over, and the next one is read', (t) => {
  const long = { bytes: new Uint8Array(3 << 20).fill(7), time: 1n };
  const short = { bytes: Uint8Array.of(1, 2, 3), time: 2000n };
  const { packets, damage } = read(written(pcapFile([long, short], { snapLength: 1 << 24 })));
  t.is(damage, undefined);
  t.deepEqual(
    packets.map(({ capturedLength, hex }) => [capturedLength, hex.length / 2]),
    [
      [3 << 20, 262144],
      [3, 3],
    ],
  );
});

test('no damage makes the reader do anything but stop or refuse', (t) => {
  const random = xorshift32(6);
  const bytes = Uint8Array.from({ length: 60 }, random);
  const ng = new PcapngFile().section().interface({ resolution: 9, offset: 3n });
  for (let i = 0; i < 5; i++) ng.packet(0, BigInt(i), bytes).simplePacket(bytes);
  const originals = [ng.buffer, pcapFile(randomPackets(7, 8, 60))];
  let whole = 0;
  let stopped = 0;
  let refusals = 0;
  for (let round = 0; round < 3000; round++) {
    const broken = Buffer.from(originals[round % 2]!);
    for (let flips = 1 + (random() % 3); flips > 0; flips--)
      broken[random() % broken.length] = random() & 0xff;
    try {
      if (read(written(broken)).damage === undefined) whole++;
      else stopped++;
    } catch (error) {
      t.true(isNicshareError(error, 'CaptureInvalid'), String(error));
      refusals++;
    }
  }
  t.true(whole > 0 && stopped > 0 && refusals > 0, `${whole} ${stopped} ${refusals}`);
});

test('a file that is missing, a directory and a pipe are refused', (t) => {
  const code = (path: string): string => (t.throws(() => read(path)) as Error).name;
  t.is(code(join(directory, 'none.pcap')), 'FileNotFound');
  t.is(code(directory), 'InvalidArgument');
  const pipe = join(directory, 'pipe');
  t.is(spawnSync('mkfifo', [pipe]).status, 0);
  t.is(code(pipe), 'InvalidArgument');
});

/** Writes packets to a file, and returns its path and how many the writer counted. */
function write(packets: readonly Sample[]): { path: string; count: number } {
  const memory = new Uint8Array(WRITER_BYTES + MAX_WRITTEN);
  // What stood in the buffer before must not come through.
  memory.fill(0xee);
  const path = join(directory, `${files++}.pcapng`);
  const fd = openSync(path, 'w');
  const writer = new CaptureWriter(fd, { bytes: memory, area: 0 });
  for (const { bytes, time } of packets) {
    memory.set(bytes, WRITER_BYTES + (bytes.length % 7));
    writer.add(WRITER_BYTES + (bytes.length % 7), bytes.length, Number(time / 1000n));
  }
  writer.flush();
  closeSync(fd);
  return { path, count: writer.packets };
}

test('what was written is read back the same', (t) => {
  const rewritten = (packets: readonly Sample[]): void => {
    const { path, count } = write(packets);
    t.is(count, packets.length);
    t.deepEqual(read(path), { packets: expected(packets), format: 'pcapng', damage: undefined });
  };
  for (let seed = 10; seed < 20; seed++) rewritten(randomPackets(seed, 200));
  rewritten([]);
  rewritten([{ bytes: new Uint8Array(MAX_WRITTEN - 6).fill(9), time: 0n }]);
});

test('a write that fails leaves what was whole before', (t) => {
  const full = openSync('/dev/full', 'w');
  const writer = new CaptureWriter(full, { bytes: new Uint8Array(WRITER_BYTES + 100), area: 0 });
  writer.add(WRITER_BYTES, 60, 1);
  t.is((t.throws(() => writer.flush()) as NodeJS.ErrnoException).code, 'ENOSPC');
  t.is(writer.packets, 0);
  closeSync(full);
});

const tcpdump = spawnSync('tcpdump', ['--version']).status === 0;
const withTcpdump = tcpdump ? test : test.skip;
const reason = tcpdump ? '' : ' (skipped: tcpdump is not installed)';

withTcpdump(`tcpdump reads what was written${reason}`, (t) => {
  const packets = randomPackets(30, 100, 1500).map((packet) => ({
    ...packet,
    bytes: Uint8Array.from([...new Uint8Array(12), 0x88, 0xb5, ...packet.bytes]),
  }));
  const { stdout, status } = spawnSync('tcpdump', ['-r', write(packets).path, '-tt', '-n', '-xx', '-e'], {
    encoding: 'utf8',
  });
  t.is(status, 0);
  const shown = [...stdout.matchAll(/^(\d+)\.(\d{6}) .*? length (\d+):[^\n]*\n((?:\t0x.*\n?)*)/gm)];
  t.deepEqual(
    shown.map(([, seconds, microseconds, length, dump]) => ({
      time: BigInt(seconds!) * 1_000_000_000n + BigInt(microseconds!) * 1000n,
      length: Number(length),
      hex: [...dump!.matchAll(/^\t0x[0-9a-f]+: (.*)$/gm)]
        .map(([, line]) => line!.replaceAll(/\s/g, ''))
        .join(''),
    })),
    packets.map(({ bytes, time }) => ({
      time,
      length: bytes.length,
      hex: Buffer.from(bytes).toString('hex'),
    })),
  );
});

withTcpdump(`what tcpdump writes is read the same${reason}`, (t) => {
  const packets = randomPackets(31, 50, 1500);
  for (const precision of ['micro', 'nano']) {
    const path = join(directory, `tcpdump-${precision}.pcap`);
    const source = written(pcapFile(packets, { littleEndian: false, nanoseconds: true }));
    const options = [`--time-stamp-precision=${precision}`, '-r', source, '-w', path];
    t.is(spawnSync('tcpdump', options).status, 0);
    t.deepEqual(read(path).packets, expected(packets));
  }
});
