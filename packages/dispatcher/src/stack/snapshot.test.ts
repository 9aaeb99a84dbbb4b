import { Arena, stackLayout as S, StackReader } from '@nicshare/shm';
import test from 'ava';
import { SnapshotImage } from './image.js';
import { numberToWords, SPACE } from './ip.js';
import { NeighbourTable } from './neighbour-table.js';

const MIB = 2 ** 20;

interface Snapshot {
  readonly image: SnapshotImage;
  readonly reader: StackReader;
  readonly cells: Int32Array;
}

/** A snapshot in which every IPv4 address is on link. */
function snapshot(): Snapshot {
  const arena = Arena.create(8 * MIB, { shared: true });
  const image = new SnapshotImage(arena);
  image.set(S.INTERFACE_INDEX, 7);
  image.set(S.COUNT_RANGES4, 1);
  image.set(S.RANGES4_ROUTE, 1);
  image.set(S.ROUTES + S.ROUTE_BYTES + S.ROUTE_KIND, S.KIND_DEVICE);
  image.publish();
  const { offset } = image.region;
  const cells = new Int32Array(arena.memory.buffer, offset, S.STACK_BYTES / 4);
  return { image, reader: new StackReader(arena.memory.buffer, offset), cells };
}

const address = (host: number): bigint => SPACE.ipv4.first + BigInt(host);
const mac = (n: number): Uint8Array => Uint8Array.of(2, n >>> 24, n >>> 16, n >>> 8, n, 0xfe);

function seen(reader: StackReader, of: bigint): number | undefined {
  const found = reader.find(numberToWords(of, new Uint32Array(4)));
  if (!found.known) return undefined;
  const { macLow, macHigh } = found;
  return (macLow & 0xff00) * 2 ** 16 + ((macLow & 0xff0000) | ((macLow >>> 24) << 8) | (macHigh & 0xff));
}

test('the table is a map, whatever comes and goes, also when it is full', (t) => {
  const { image, reader } = snapshot();
  const table = new NeighbourTable(image);
  const model = new Map<bigint, number>();
  const hosts = S.MAX_NEIGHBOURS + 200;
  for (let step = 0; step < 60_000; step++) {
    const of = address(Math.floor(Math.random() * hosts) * 977);
    const value = Math.floor(Math.random() * 2 ** 24);
    if (Math.random() < (step < 30_000 ? 0.15 : 0.5)) t.is(table.delete(of), model.delete(of));
    else {
      const fits = model.has(of) || model.size < S.MAX_NEIGHBOURS;
      t.is(table.put(of, { state: S.NUD_REACHABLE, mac: mac(value) }), fits);
      if (fits) model.set(of, value);
    }
    t.is(table.count, model.size);
  }
  image.publish();
  for (let host = 0; host < hosts; host++) {
    const of = address(host * 977);
    if (seen(reader, of) !== model.get(of)) t.fail(`${of}`);
  }
});

test('nothing is seen before it is published, and each publishing is one generation', (t) => {
  const { image, reader } = snapshot();
  const table = new NeighbourTable(image);
  const before = reader.generation;
  table.put(address(1), { state: S.NUD_REACHABLE, mac: mac(5) });
  t.is(seen(reader, address(1)), undefined);
  t.is(reader.generation, before);
  image.publish();
  t.is(seen(reader, address(1)), 5);
  t.is(reader.generation, before + 2);
  table.put(address(1), { state: S.NUD_REACHABLE, mac: mac(5) });
  image.publish();
  t.is(reader.generation, before + 2, 'the same again is no change');
});

test('a neighbour is known in the states in which the kernel sends to it', (t) => {
  const { image, reader } = snapshot();
  const table = new NeighbourTable(image);
  const states = {
    [S.NUD_REACHABLE]: true,
    [S.NUD_STALE]: true,
    [S.NUD_DELAY]: true,
    [S.NUD_PROBE]: true,
    [S.NUD_PERMANENT]: true,
    [S.NUD_NOARP]: true,
    [S.NUD_INCOMPLETE]: false,
    [S.NUD_FAILED]: false,
  };
  for (const [state, known] of Object.entries(states)) {
    table.put(address(9), { state: Number(state), mac: mac(1) });
    image.publish();
    t.is(seen(reader, address(9)) !== undefined, known, state);
  }
});

test('a writer that died while writing is an error, not a hang', (t) => {
  const { reader, cells } = snapshot();
  Atomics.add(cells, S.GENERATION >> 2, 1);
  t.throws(() => seen(reader, address(1)), { name: 'DispatcherStopped' });
});

test('garbage in the snapshot leads no reader out of it', (t) => {
  const { reader, cells } = snapshot();
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < cells.length; i++) cells[i] = Math.random() * 2 ** 32;
    cells[S.GENERATION >> 2] = 2;
    t.notThrows(() => {
      for (let i = 0; i < 20; i++)
        reader.find(Uint32Array.from({ length: 4 }, (_, word) => (word < 2 ? 0 : Math.random() * 2 ** 32)));
    });
  }
});
