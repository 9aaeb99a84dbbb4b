/**
 * Sleeps on the wake-up descriptor 4 as a port does, notes when it was woken, and answers, so that the waker knows;
 * tells the times at its end. `async`: as Port.readable(); `sync`: as Port.waitReadable().
 */
import { drainWakeups, wake } from '@nicshare/shm';
import { PollSet, watchReadable } from '@nicshare/shm/sys';
import { nowNs, settings, tell } from './parent.js';

const WAKE_FD = 4;

export interface SleeperSettings {
  readonly how: 'async' | 'sync';
  readonly wakes: number;
}

const { how, wakes } = settings<SleeperSettings>();
const times: number[] = [];

function noteWakeup(): void {
  times.push(nowNs());
  drainWakeups(WAKE_FD);
  wake(WAKE_FD);
}

function sleepBlocking(): void {
  const set = new PollSet([WAKE_FD]);
  while (times.length < wakes) if (set.wait(1000) > 0) noteWakeup();
}

const sleepOnEventLoop = (): Promise<void> =>
  new Promise((resolve) => {
    const watch = watchReadable(WAKE_FD, () => {
      noteWakeup();
      if (times.length < wakes) return;
      watch.close();
      resolve();
    });
  });

await tell({ ready: true });
if (how === 'sync') sleepBlocking();
else await sleepOnEventLoop();
await tell({ times });
process.disconnect();
