import { chmodSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { isNicshareError } from '../errors.js';
import { decode, encode, FrameReader, frame } from './framing.js';
import { claimAnswer, clientMessage } from './messages.js';
import { isFolderOurs } from './paths.js';

const hello = { type: 'hello', version: 1 } as const;
const violates = (run: () => unknown): boolean => {
  try {
    run();
    return false;
  } catch (error) {
    return isNicshareError(error, 'ProtocolViolation');
  }
};

test('messages come through whole however the stream is cut', (t) => {
  const stream = Buffer.concat([frame(hello), frame({ type: 'attach', id: 7, queue: 'dns' })]);
  for (let cut = 1; cut < stream.length; cut++) {
    const reader = new FrameReader(4096);
    const bodies = [...reader.push(stream.subarray(0, cut)), ...reader.push(stream.subarray(cut))];
    t.deepEqual(
      bodies.map((body) => decode(clientMessage, body).type),
      ['hello', 'attach'],
    );
    t.false(reader.partial);
  }
});

test('a length beyond the limit is refused before the body comes', (t) => {
  const reader = new FrameReader(16);
  t.true(violates(() => reader.push(Buffer.from([17, 0, 0, 0]))));
});

test('a message that has begun is partial', (t) => {
  const reader = new FrameReader(4096);
  t.deepEqual(reader.push(frame(hello).subarray(0, 6)), []);
  t.true(reader.partial);
});

for (const [what, message] of [
  ['an unknown type', { type: 'reboot' }],
  ['a missing field', { type: 'attach', id: 1 }],
  ['an unknown field', { ...hello, admin: true }],
  ['a wrong type of field', { type: 'attach', id: 'x', queue: 'dns' }],
  ['a name that is too long', { type: 'attach', id: 1, queue: 'x'.repeat(65) }],
  ['a negative id', { type: 'detach', id: -1, session: 1 }],
  ['no map', [1, 2, 3]],
] as const)
  test(`${what} is a violation`, (t) => {
    t.true(violates(() => decode(clientMessage, encode(message))));
  });

const MIB = 2 ** 20;
const grant = (regions: readonly { at: number; bytes: number }[]): Uint8Array =>
  encode({
    type: 'session',
    session: 1,
    queue: 'dns',
    trusted: false,
    mode: 'shared',
    credit: 1000,
    regions,
    ringSize: 64,
    frameSize: 2048,
    rxFrames: 1024,
    txFrames: 64,
    maxPacket: 1514,
    mac: '02:00:00:00:00:01',
  });

test('regions of a device follow one another in whole 2 MiB', (t) => {
  const good = [
    { at: 0, bytes: 4 * MIB },
    { at: 8 * MIB, bytes: 2 * MIB },
  ];
  t.deepEqual((decode(claimAnswer, grant(good)) as { regions?: unknown }).regions, good);
  for (const bad of [
    [{ at: 1, bytes: 2 * MIB }],
    [{ at: 0, bytes: 2 * MIB - 1 }],
    [{ at: 0, bytes: 0 }],
    [{ at: -2 * MIB, bytes: 2 * MIB }],
    [good[0]!, { at: 2 * MIB, bytes: 2 * MIB }],
    [good[1]!, good[0]!],
    Array.from({ length: 65 }, (_, i) => ({ at: i * 2 * MIB, bytes: 2 * MIB })),
  ])
    t.true(
      violates(() => decode(claimAnswer, grant(bad))),
      JSON.stringify(bad),
    );
});

test('bytes that are no msgpack are a violation', (t) => {
  for (const bytes of [[], [0xc1], [0xdf, 0xff, 0xff, 0xff, 0xff], [0x92, 1], Array(4096).fill(0x91)])
    t.true(
      violates(() => decode(clientMessage, Uint8Array.from(bytes))),
      String(bytes.slice(0, 5)),
    );
});

test('a folder is ours where nobody else can put a socket into it', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nicshare-unit-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  t.true(isFolderOurs(join(folder, 'default.sock')));
  symlinkSync(folder, join(folder, 'link'));
  t.false(isFolderOurs(join(folder, 'link', 'default.sock')));
  t.false(isFolderOurs(join(folder, 'missing', 'default.sock')));
  chmodSync(folder, 0o777);
  t.false(isFolderOurs(join(folder, 'default.sock')));
});
