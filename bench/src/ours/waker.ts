/** Wakes the sleeper at the other end of descriptor 4 after random pauses; tells when it did. */
import { drainWakeups, wake } from '@nicshare/shm';
import { nowNs, settings, tell } from './parent.js';

const WAKE_FD = 4;
const MIN_GAP_NS = 120_000;
const GAP_SPREAD_NS = 100_000;

export interface WakerSettings {
  readonly wakes: number;
}

const { wakes } = settings<WakerSettings>();
const times: number[] = [];
await tell({ ready: true });
for (let i = 0; i < wakes; i++) {
  const until = nowNs() + MIN_GAP_NS + Math.random() * GAP_SPREAD_NS;
  while (nowNs() < until);
  times.push(nowNs());
  wake(WAKE_FD);
  while (drainWakeups(WAKE_FD) === 0);
}
await tell({ times });
process.disconnect();
