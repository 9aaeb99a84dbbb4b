import test from 'ava';
import * as sys from '../sys/index.js';
import { IdleStrategy } from './idle-strategy.js';
import { createWakePair, drainWakeups, wake } from './wake-socket.js';

test('a wakeup makes the other end readable until it is taken', (t) => {
  const { own, peer } = createWakePair();
  const pollSet = new sys.PollSet([peer]);
  t.is(pollSet.wait(0), 0);
  t.is(wake(own), 'sent');
  t.is(wake(own), 'sent');
  t.is(pollSet.wait(1000), 1);
  t.is(pollSet.events(0) & sys.READABLE, sys.READABLE);
  t.is(drainWakeups(peer), 2);
  t.is(pollSet.wait(0), 0);
  sys.libc.close(own);
  sys.libc.close(peer);
});

test('waking one who does not read never blocks, also where he made the descriptor blocking', (t) => {
  const { own, peer } = createWakePair();
  const F_SETFL = 4;
  t.is(sys.libc.fcntl(own, F_SETFL, 0), 0);
  t.is(sys.libc.fcntl(peer, F_SETFL, 0), 0);
  let sent = 0;
  while (wake(own) === 'sent' && sent < 100_000) sent++;
  t.true(sent > 0 && sent < 100_000);
  t.is(wake(own), 'full');
  sys.libc.close(peer);
  t.is(wake(own), 'gone');
  t.is(drainWakeups(own), -1);
  sys.libc.close(own);
});

test('a muted descriptor wakes nobody', (t) => {
  const { own, peer } = createWakePair();
  const pollSet = new sys.PollSet([peer]);
  wake(own);
  pollSet.mute(0, true);
  t.is(pollSet.wait(0), 0);
  t.is(pollSet.events(0), 0);
  pollSet.mute(0, false);
  t.is(pollSet.wait(0), 1);
  sys.libc.close(own);
  sys.libc.close(peer);
});

test('an idle loop spins, yields, then sleeps; work starts it over', (t) => {
  const idle = new IdleStrategy({ spins: 2, yields: 1 });
  t.deepEqual(
    [0, 0, 0, 0].map((work) => idle.idle(work)),
    [false, false, false, true],
  );
  t.false(idle.idle(1));
  t.deepEqual(
    [0, 0, 0, 0].map((work) => idle.idle(work)),
    [false, false, false, true],
  );
  idle.reset();
  t.false(idle.idle(0));
});
