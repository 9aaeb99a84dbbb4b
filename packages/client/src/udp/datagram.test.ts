import test, { type ExecutionContext } from 'ava';
import { fold, memoryOf, sumOf } from './checksum.js';
import * as C from './counters.js';
import { DatagramReader } from './datagram-reader.js';
import { DatagramWriter, headerTemplate } from './datagram-writer.js';
import { PAYLOAD_AT } from './format.js';
import { parseIpv4 } from './ipv4-address.js';

const FRAME = 2048;
const FIRST = 256;
const FROM = Uint8Array.of(2, 0, 0, 0, 0, 1);
const TO = Uint8Array.of(2, 0, 0, 0, 0, 2);
const TEMPLATE = headerTemplate({
  fromMac: FROM,
  toMac: TO,
  source: '10.1.2.3',
  destination: '192.168.250.4',
});

/** RFC 1071, section 4.1, word by word. */
function plainChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

const pattern = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 17 + (i >> 3)) & 0xff);

/** A frame as the writer makes it, in a memory whose other bytes are not 0. */
function written(payload: Uint8Array): { memory: Uint8Array; length: number } {
  const memory = new Uint8Array(FRAME).fill(0xa5);
  memory.set(payload, FIRST + PAYLOAD_AT);
  const length = new DatagramWriter(memory).complete(FIRST, payload.length, TEMPLATE, 5353, 7, 33);
  return { memory, length };
}

const frameOf = (payload: Uint8Array): Buffer => {
  const { memory, length } = written(payload);
  return Buffer.from(memory.subarray(FIRST, FIRST + length));
};

/** What the reader says of a frame. */
function verdict(frame: Uint8Array, length = frame.length): number {
  const memory = new Uint8Array(FRAME * 2);
  memory.set(frame, FIRST);
  return new DatagramReader(memory).read(FIRST, length);
}

/** Puts the right checksum of the IPv4 header in. */
function withHeaderChecksum(frame: Buffer): Buffer {
  frame.writeUInt16BE(0, 24);
  frame.writeUInt16BE(plainChecksum(frame.subarray(14, 14 + (frame[14]! & 15) * 4)), 24);
  return frame;
}

test('sums over any part of a memory are those of RFC 1071', (t) => {
  const memory = memoryOf(pattern(256, 3));
  for (let at = 0; at < 12; at += 2)
    for (let length = 0; length < 90; length++) {
      const expected = plainChecksum(memory.bytes.subarray(at, at + length));
      // Taken over words as they lie in memory, so its bytes are the other way round.
      const sum = ~fold(sumOf(memory, at, length)) & 0xffff;
      const swapped = (sum >>> 8) | ((sum & 0xff) << 8);
      t.true(swapped === expected, `${length} bytes at ${at}`);
    }
});

test('a datagram is written with right lengths and checksums, and filled up with zeros', (t) => {
  for (const size of [0, 1, 2, 17, 18, 19, 22, 511, 1471, 1472]) {
    const payload = pattern(size, size);
    const frame = frameOf(payload);
    t.is(frame.length, Math.max(60, 42 + size));
    t.deepEqual([...frame.subarray(0, 14)], [...TO, ...FROM, 8, 0]);
    t.is(frame.readUInt16BE(16), 28 + size);
    t.is(frame.readUInt16BE(20), 0x4000, 'not to be fragmented');
    t.deepEqual([...frame.subarray(22, 24)], [33, 17]);
    t.is(plainChecksum(frame.subarray(14, 34)), 0);
    t.deepEqual([...frame.subarray(26, 34)], [10, 1, 2, 3, 192, 168, 250, 4]);
    t.deepEqual(
      [frame.readUInt16BE(34), frame.readUInt16BE(36), frame.readUInt16BE(38)],
      [5353, 7, 8 + size],
    );
    const pseudo = Buffer.concat([frame.subarray(26, 34), Buffer.from([0, 17]), frame.subarray(38, 40)]);
    t.is(plainChecksum(Buffer.concat([pseudo, frame.subarray(34, 42 + size)])), 0);
    t.not(frame.readUInt16BE(40), 0);
    t.true(frame.subarray(42, 42 + size).equals(payload));
    t.true(frame.subarray(42 + size).every((byte) => byte === 0));
  }
});

test('a checksum that comes out as 0 is written as 0xffff', (t) => {
  const payload = pattern(64, 1);
  payload.fill(0, 0, 2);
  const before = frameOf(payload).readUInt16BE(40);
  payload.set([before >>> 8, before & 0xff]);
  t.is(frameOf(payload).readUInt16BE(40), 0xffff);
  t.is(verdict(frameOf(payload)), C.RECEIVED);
});

test('what is written is read', (t) => {
  for (const size of [0, 1, 17, 18, 22, 900, 1472]) {
    const { memory, length } = written(pattern(size, 5));
    const reader = new DatagramReader(memory);
    t.is(reader.read(FIRST, length), C.RECEIVED);
    t.is(reader.sourceAddress, parseIpv4('10.1.2.3'));
    t.is(reader.destinationAddress, parseIpv4('192.168.250.4'));
    t.deepEqual([reader.sourcePort, reader.destinationPort], [5353, 7]);
    t.deepEqual([reader.payload, reader.payloadLength], [FIRST + 42, size]);
    t.false(reader.toGroup);
  }
});

test('IPv4 options are skipped, and a datagram without a checksum is taken', (t) => {
  const plain = frameOf(pattern(30, 2));
  const frame = Buffer.concat([
    plain.subarray(0, 34),
    Buffer.from([1, 1, 1, 1, 1, 1, 1, 0]),
    plain.subarray(34),
  ]);
  frame[14] = 0x47;
  frame.writeUInt16BE(plain.length - 14 + 8, 16);
  t.is(verdict(withHeaderChecksum(frame)), C.RECEIVED);
  plain.writeUInt16BE(0, 40);
  t.is(verdict(plain), C.RECEIVED);
});

const wrong: readonly [string, number, (frame: Buffer) => Uint8Array | undefined][] = [
  ['another EtherType', C.RX_NOT_IPV4, (f) => void f.writeUInt16BE(0x86dd, 12)],
  ['a runt', C.RX_MALFORMED, (f) => f.subarray(0, 13)],
  ['half an IPv4 header', C.RX_MALFORMED, (f) => f.subarray(0, 33)],
  ['another version', C.RX_MALFORMED, (f) => void f.fill(0x65, 14, 15)],
  ['a header shorter than a header', C.RX_MALFORMED, (f) => void f.fill(0x44, 14, 15)],
  ['more bytes than came', C.RX_MALFORMED, (f) => void f.writeUInt16BE(f.length - 13, 16)],
  ['a total length below the header', C.RX_MALFORMED, (f) => void f.writeUInt16BE(19, 16)],
  ['a header that is all there is', C.RX_MALFORMED, (f) => void f.writeUInt16BE(27, 16)],
  ['a wrong header checksum', C.RX_BAD_IPV4_CHECKSUM, (f) => void f.fill(f[24]! ^ 1, 24, 25)],
  ['another protocol', C.RX_NOT_UDP, (f) => void f.fill(6, 23, 24)],
  ['a first fragment', C.RX_FRAGMENT, (f) => void f.writeUInt16BE(0x2000, 20)],
  ['a last fragment', C.RX_FRAGMENT, (f) => void f.writeUInt16BE(0x0010, 20)],
  ['a UDP length below its header', C.RX_MALFORMED, (f) => void f.writeUInt16BE(7, 38)],
  ['a UDP length beyond the packet', C.RX_MALFORMED, (f) => void f.writeUInt16BE(39, 38)],
  ['a wrong UDP checksum', C.RX_BAD_UDP_CHECKSUM, (f) => void f.fill(f[41]! ^ 4, 41, 42)],
  ['a byte that has changed', C.RX_BAD_UDP_CHECKSUM, (f) => void f.fill(f[60]! ^ 64, 60, 61)],
];

for (const [name, expected, damage] of wrong)
  test(`is refused by its reason: ${name}`, (t) => {
    const frame = frameOf(pattern(30, 9));
    const damaged = damage(frame) ?? frame;
    if (expected !== C.RX_BAD_IPV4_CHECKSUM) withHeaderChecksum(frame);
    t.is(verdict(damaged), expected);
  });

/** A repeatable random number below `end`. */
function* randomNumbers(seed: number): Generator<number, never, number> {
  let end = yield 0;
  for (;;) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    end = yield Math.floor((seed / 2 ** 32) * end);
  }
}

function requireInside(t: ExecutionContext, reader: DatagramReader, length: number): void {
  if (reader.payload >= FIRST + 42 && reader.payload + reader.payloadLength <= FIRST + length) return;
  t.fail(`A payload of ${reader.payloadLength} bytes at ${reader.payload} is outside of ${length}`);
}

test('damaged at random, a frame is taken whole or refused by a reason, never read past its end', (t) => {
  const numbers = randomNumbers(20_261_124);
  numbers.next();
  const random = (end: number): number => numbers.next(end).value;
  const memory = new Uint8Array(FRAME);
  const reader = new DatagramReader(memory);
  const seen = new Map<number, number>();
  for (let round = 0; round < 200_000; round++) {
    const frame = frameOf(pattern(random(200), round));
    for (let i = random(4); i >= 0; i--) frame[random(Math.min(frame.length, 60))] = random(256);
    if (random(2) === 0 && (frame[14]! & 15) >= 5) withHeaderChecksum(frame);
    const length = random(3) === 0 ? random(frame.length + 1) : frame.length;
    memory.set(frame, FIRST);
    const outcome = reader.read(FIRST, length);
    seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
    if (outcome === C.RECEIVED) requireInside(t, reader, length);
  }
  const possible = [
    C.RECEIVED,
    C.RX_NOT_IPV4,
    C.RX_NOT_UDP,
    C.RX_MALFORMED,
    C.RX_BAD_IPV4_CHECKSUM,
    C.RX_BAD_UDP_CHECKSUM,
    C.RX_FRAGMENT,
  ];
  t.deepEqual([...seen.keys()].toSorted(), possible.toSorted(), 'and all reasons came');
});
