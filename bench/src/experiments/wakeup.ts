import { createWakePair } from '@nicshare/shm';
import { libc } from '@nicshare/shm/sys';
import type { Experiment, Sample } from '../experiment.js';
import type { SleeperSettings } from '../ours/sleeper.js';
import { runPeer, startOwn } from '../processes.js';

const WAKES = 2000;

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.floor(sorted.length * share)]!;

/** One way, in microseconds: from before the waker's call until the sleeper runs. */
function latencies(sent: readonly number[], woken: readonly number[]): Sample {
  const sorted = sent.map((at, i) => (woken[i]! - at) / 1e3).sort((a, b) => a - b);
  return { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) };
}

/** Waking a process through the wake-up socket; it sleeps in the event loop (`async`) or in poll(2) (`sync`). */
export function wakeup(how: SleeperSettings['how']): Experiment {
  async function ours(): Promise<Sample> {
    const pair = createWakePair();
    const sleeper = await startOwn('sleeper', { how, wakes: WAKES }, { core: 1, descriptor: pair.peer });
    const waker = await startOwn('waker', { wakes: WAKES }, { core: 0, descriptor: pair.own });
    const [sent, woken] = await Promise.all([waker.lastMessage(), sleeper.lastMessage()]);
    libc.close(pair.own);
    libc.close(pair.peer);
    return latencies(sent.times as unknown as number[], woken.times as unknown as number[]);
  }

  async function peer(): Promise<Sample> {
    const { p50Us, p99Us } = await runPeer('wake', { wakes: WAKES });
    return { p50: p50Us!, p99: p99Us! };
  }

  return {
    name: `wakeup-${how}`,
    metrics: [
      { name: 'p50', unit: 'us' },
      { name: 'p99', unit: 'us' },
    ],
    peerName: 'the same in C',
    ours,
    peer,
    close: async () => {},
  };
}
