import test from 'ava';
import { chosen, type Pair } from './experiment.js';
import { median } from './median.js';

const pair = (state: Pair['state'], value: number): Pair => ({
  ours: { value },
  peer: { value: value + 1 },
  state,
});

test('near pairs alone count where there are enough of them', (t) => {
  const pairs = [pair('far', 1), pair('near', 2), pair('near', 3)];
  t.deepEqual(chosen(pairs, 2), { pairs: pairs.slice(1), state: 'near' });
});

test('with too few near pairs all count, and the figure says so', (t) => {
  const pairs = [pair('far', 1), pair('near', 2), pair('far', 3)];
  t.deepEqual(chosen(pairs, 2), { pairs, state: 'mixed' });
  const far = [pair('far', 1), pair('far', 2)];
  t.deepEqual(chosen(far, 2), { pairs: far, state: 'far' });
});

test('the median of an even number of values is between the middle two', (t) => {
  t.is(median([3, 1, 2]), 2);
  t.is(median([4, 1, 3, 2]), 2.5);
});
