import { readFileSync } from 'node:fs';
import test from 'ava';
import { isNicshareError } from '../errors.js';
import { REGION_ALIGNMENT } from '../layout.js';
import * as sys from '../sys/index.js';
import { Arena, windowBytes } from './arena.js';
import { createOwnRegion, createPeerRegion, destroyRegion, openReadOnly } from './region.js';

const MIB = 2 ** 20;

test('ranges stand 2 MiB aligned in the address space, and are zeroed', (t) => {
  const arena = Arena.create(32 * MIB, { shared: true });
  const offset = arena.allocate(100);
  t.is((arena.base + offset) % REGION_ALIGNMENT, 0);
  const bytes = new Uint8Array(arena.memory.buffer, offset, 100);
  bytes.fill(9);
  arena.release(offset);
  t.is(new Uint8Array(arena.memory.buffer)[offset], 0, 'what was given back reads zeros');
  t.is(arena.allocate(100), offset, 'and can be had again');
  t.is(new Uint8Array(arena.memory.buffer)[offset], 0);
});

test('a full arena is a typed error, and a release makes room', (t) => {
  const arena = Arena.create(16 * MIB, { shared: false });
  const offsets: number[] = [];
  const error = t.throws(() => {
    for (;;) offsets.push(arena.allocate(2 * MIB));
  });
  t.true(isNicshareError(error, 'OutOfMemory'));
  for (const offset of offsets) arena.release(offset);
  t.is(arena.used, 0);
  t.notThrows(() => arena.allocate(8 * MIB), 'neighbours are joined again');
});

test('a window has regions at their distances from one another, and zeros between', (t) => {
  const maker = Arena.create(32 * MIB, { shared: true });
  const regions = [2, 4].map((mib) => createOwnRegion(maker, 'test', mib * MIB, 'never'));
  const made = new Uint8Array(maker.memory.buffer);
  for (const { offset, bytes } of regions) made.fill(7, offset, offset + bytes);
  const base = regions[0]!.offset;
  const arena = Arena.create(32 * MIB, { shared: true });
  const parts = regions.map((region) => ({
    at: region.offset - base,
    bytes: region.bytes,
    fd: openReadOnly(region),
  }));
  const window = arena.mapWindow(parts);
  for (const { fd } of parts) sys.libc.close(fd);
  const seen = new Uint8Array(arena.memory.buffer, window, windowBytes(parts));
  t.is(seen.length, regions[1]!.offset + 4 * MIB - base);
  t.deepEqual(
    [0, 2 * MIB - 1, 2 * MIB, parts[1]!.at - 1, parts[1]!.at, seen.length - 1].map((at) => seen[at]),
    [7, 7, 0, 0, 7, 7],
  );
  made[regions[1]!.offset] = 8;
  t.is(seen[parts[1]!.at], 8);
  const used = arena.used;
  arena.release(window);
  t.is(arena.used, used - seen.length);
  t.is(seen[0], 0);
  for (const region of regions) destroyRegion(maker, region);
});

test('a region is seen through its read-only descriptor and cannot shrink', (t) => {
  const arena = Arena.create(32 * MIB, { shared: true });
  const region = createOwnRegion(arena, 'test', 3 * MIB, 'never');
  t.is(region.bytes, 4 * MIB);
  t.is(region.pageSize, 4096);
  new Uint8Array(arena.memory.buffer)[region.offset + 5] = 77;
  const fd = openReadOnly(region);
  const seen = arena.map(fd, region.bytes, 'read');
  t.is(new Uint8Array(arena.memory.buffer)[seen + 5], 77);
  t.is(sys.libc.ftruncate(region.fd, 0), -1);
  t.is(sys.errno(), sys.EPERM);
  t.is(
    readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1')
      .match(/flags:\s+0?(\d+)/)?.[1]
      ?.slice(-1),
    '0',
    'O_RDONLY',
  );
  sys.libc.close(fd);
  destroyRegion(arena, region);
});

test('a region for a peer is in ordinary pages', (t) => {
  const arena = Arena.create(32 * MIB, { shared: true });
  const region = createPeerRegion(arena, 'test', MIB);
  t.is(region.pageSize, 4096);
  t.is(region.bytes, 2 * MIB);
  destroyRegion(arena, region);
});

test('require without free hugepages says how to get some', (t) => {
  const free = Number(/HugePages_Free:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'latin1'))?.[1]);
  const arena = Arena.create((free + 8) * 2 * MIB, { shared: true });
  const error = t.throws(() => createOwnRegion(arena, 'test', (free + 2) * 2 * MIB, 'require'));
  t.true(isNicshareError(error, 'OutOfMemory'));
  t.regex(error.message, /vm\.nr_hugepages/);
});
