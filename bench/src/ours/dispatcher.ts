/** A dispatcher in a process of its own. It answers `usage` and ends on `stop` with what it counted. */
import { createDispatcher, type DispatcherOptions, type DispatcherStats } from '@nicshare/dispatcher';
import { rxDrops } from '@nicshare/shm';
import { cpuNs, type Question, settings, tell } from './parent.js';

const dispatcher = await createDispatcher(settings<DispatcherOptions>());
dispatcher.on('failed', (error) => {
  throw error;
});

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const summary = ({ queues, deviceCounters, plane }: DispatcherStats): object => ({
  received: plane.received,
  dropped: sum(queues.map(({ totals }) => rxDrops(totals))),
  deviceDropped: sum(Object.values(deviceCounters.rxDropped)),
  violations: sum(queues.map(({ violations }) => violations)),
  wakeups: sum(queues.map(({ totals }) => totals.wakeups)),
});

process.on('message', async ({ type }: Question) => {
  const usage = cpuNs();
  if (type === 'usage') return tell({ cpuNs: usage });
  const counted = summary(await dispatcher.stats());
  await dispatcher.close();
  await tell({ cpuNs: usage, ...counted });
  process.disconnect();
});
await tell({ ready: true });
