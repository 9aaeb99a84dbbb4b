import { isNicshareError } from '@nicshare/shm';
import test from 'ava';
import { tapShape } from '../conductor/packet-taps.js';
import { planMemory } from '../memory-plan.js';
import type { DispatcherOptions } from './schema.js';
import { sessionShapes, sharingNote, spareFrames } from './sharing.js';
import { validateOptions } from './validate.js';

type Queue = Partial<DispatcherOptions['queues'][number]>;

const configured = (queues: readonly Queue[], more: Partial<DispatcherOptions> = {}) =>
  validateOptions({
    device: { driver: 'fake' },
    queues: queues.map((queue, i) => ({ name: `q${i}`, match: { destinationPort: i }, ...queue })),
    ...more,
  });

test('spare frames are the sum of what all shared clients may hold', (t) => {
  t.is(spareFrames(configured([{}, {}])), 0);
  t.is(spareFrames(configured([{ mode: 'shared' }, {}, { mode: 'shared', credit: 100 }])), 1124);
});

test("a shared session's fillRing has a slot for all that its client may hold", (t) => {
  t.is(sessionShapes(configured([{ mode: 'shared', credit: 1500 }])).shared.rxFrames, 2048);
  t.is(sessionShapes(configured([{ mode: 'shared', credit: 64 }])).shared.rxFrames, 64);
  t.is(sessionShapes(configured([{}])).isolated.rxFrames, 2048);
});

test('a credit for an isolated queue, or out of bounds, is refused', (t) => {
  for (const [queue, words] of [
    [{ credit: 100 }, /credit is for mode: shared/],
    [{ mode: 'shared', credit: 63 }, /at least 64/],
    [{ mode: 'shared', credit: 131073 }, /at most 131072/],
    [{ mode: 'dedicated' as 'shared' }, /mode/],
  ] as const) {
    const error = t.throws(() => configured([queue]));
    t.true(isNicshareError(error, 'ConfigInvalid'));
    t.regex(error!.message, words);
  }
});

test('credits that no memory could hold are refused', (t) => {
  const queues = Array.from({ length: 20 }, () => ({ mode: 'shared', credit: 131072 }) as const);
  const config = configured(queues);
  const error = t.throws(() => planMemory(config, tapShape(config)));
  t.true(isNicshareError(error, 'ConfigInvalid'));
  t.regex(error!.message, /queues\[\]\.credit/);
});

test('the operator is told where shared clients see what is not for their group', (t) => {
  const shared = { mode: 'shared' } as const;
  const own = (users: number[], groups: number[] = []) => ({ ...shared, allow: { users, groups } });
  for (const [queues, told] of [
    [[{}, {}], false],
    [[shared], false],
    [[shared, shared], false],
    [[own([1, 2]), own([2, 1, 2])], false],
    [[shared, {}], true],
    [[shared, own([1])], true],
    [[own([1]), own([1], [1])], true],
  ] as const) {
    const note = sharingNote(configured(queues));
    t.is(note !== undefined, told, JSON.stringify(queues));
    if (told) t.regex(note!, /'q0'.*can read all packets.*cannot be taken back/);
  }
});
