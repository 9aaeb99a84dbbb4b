/** Connects, attaches and takes a first packet, again and again; tells the median time in milliseconds. */
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from '@nicshare/client';
import { median } from '../median.js';
import { nowNs, settings, tell } from './parent.js';
import { Reader } from './receive.js';

const PAUSE_MS = 30;

export interface AttachingSettings {
  readonly socket: string;
  readonly queue: string;
  readonly attaches: number;
}

const { socket, queue, attaches } = settings<AttachingSettings>();

/** Milliseconds from connect() to the first packet. */
async function attachOnce(): Promise<number> {
  const begin = nowNs();
  const client = await connect({ socket });
  const port = await client.attach(queue);
  const reader = new Reader(port);
  while (reader.read() === 0)
    if (port.waitReadable(5000) !== 'readable') throw new Error('No packet came within 5 s of attaching.');
  const took = (nowNs() - begin) / 1e6;
  await client.close();
  return took;
}

await tell({ ready: true });
const times: number[] = [];
for (let i = 0; i < attaches; i++) {
  times.push(await attachOnce());
  await delay(PAUSE_MS);
}
await tell({ medianMs: median(times) });
process.disconnect();
