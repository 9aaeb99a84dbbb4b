import test from 'ava';
import { RateLimit } from './rate-limit.js';

test('so many at once, then so many a second, for each user', (t) => {
  let now = 0;
  const limit = new RateLimit(10, 20, () => now);
  const taken = (uid: number): number => {
    let count = 0;
    while (limit.take(uid)) count++;
    return count;
  };
  t.is(taken(1), 20);
  t.is(taken(1), 0);
  now = 500;
  t.is(taken(1), 5);
  t.is(taken(2), 20, 'another user has a share of its own');
  now = 60_000;
  t.is(taken(1), 20, 'a pause saves up no more than that');
});
