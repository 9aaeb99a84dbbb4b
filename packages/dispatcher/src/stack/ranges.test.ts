import test from 'ava';
import { cut, overlay, type Prefix, type Range } from './ranges.js';

const SPACE = { first: 1000n, last: 1255n };

const prefix = (base: number, bits: number, value: string): Prefix<string> => {
  const size = 1n << BigInt(8 - bits);
  const first = SPACE.first + (BigInt(base) / size) * size;
  return { first, last: first + size - 1n, value };
};

const at = <T>(ranges: readonly Range<T>[], address: bigint): T | undefined =>
  ranges.findLast((range) => range.start <= address)!.value;

/** By looking at every prefix: the longest holds, of equal ones the first. */
function longest(prefixes: readonly Prefix<string>[], address: bigint): string | undefined {
  let best: Prefix<string> | undefined;
  for (const one of prefixes) {
    if (address < one.first || address > one.last) continue;
    if (!best || one.last - one.first < best.last - best.first) best = one;
  }
  return best?.value;
}

const randomTable = (name: string): Prefix<string>[] =>
  Array.from({ length: Math.floor(Math.random() * 12) }, (_, i) =>
    prefix(Math.floor(Math.random() * 256), Math.floor(Math.random() * 9), `${name}${i}`),
  );

test('an empty table is one range without a value', (t) => {
  t.deepEqual(cut([], SPACE), [{ start: 1000n, value: undefined }]);
});

test('a default route is the whole space', (t) => {
  t.deepEqual(cut([prefix(0, 0, 'default')], SPACE), [{ start: 1000n, value: 'default' }]);
});

test('a prefix ends where its wider one goes on', (t) => {
  t.deepEqual(cut([prefix(0, 1, 'wide'), prefix(64, 3, 'narrow')], SPACE), [
    { start: 1000n, value: 'wide' },
    { start: 1064n, value: 'narrow' },
    { start: 1096n, value: 'wide' },
    { start: 1128n, value: undefined },
  ]);
});

test('ranges hold what the longest prefix says, over one table and several', (t) => {
  for (let round = 0; round < 500; round++) {
    const tables = [randomTable('a'), randomTable('b'), randomTable('c')];
    const ranges = tables.map((table) => cut(table, SPACE));
    const all = overlay(ranges);
    for (let address = SPACE.first; address <= SPACE.last; address++) {
      const wanted = tables.map((table) => longest(table, address));
      for (const [i, own] of ranges.entries()) if (at(own, address) !== wanted[i]) t.fail(`${address}`);
      if (at(all, address) !== wanted.find((value) => value !== undefined)) t.fail(`${address} of all`);
    }
    t.true(all.every((range, i) => i === 0 || range.start > all[i - 1]!.start));
    t.true(
      all.every((range, i) => i === 0 || range.value !== all[i - 1]!.value),
      'neighbours are joined',
    );
  }
});

test('a cut table has at most two ranges a prefix and one more', (t) => {
  for (let round = 0; round < 200; round++) {
    const table = randomTable('x');
    t.true(cut(table, SPACE).length <= 2 * table.length + 1);
  }
});
