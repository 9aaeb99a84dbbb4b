/**
 * A client of all queues that reads without pause, and on request a tap of the first of them beside it. Tells packets
 * of the other queues, and of the tap.
 */
import { connect } from '@nicshare/client';
import { nowNs, settings, tell } from './parent.js';
import { BURST, Reader } from './receive.js';

const TURNS_A_LOOK = 256;

export interface TappedSettings {
  readonly socket: string;
  /** Queues to attach to; the first is the one that is tapped. */
  readonly queues: readonly string[];
  readonly tap: boolean;
  readonly warmupSeconds: number;
  readonly seconds: number;
}

const { socket, queues, tap: tapped, warmupSeconds, seconds } = settings<TappedSettings>();
const client = await connect({ socket });
const readers: Reader[] = [];
for (const queue of queues) readers.push(new Reader(await client.attach(queue)));
const tap = tapped ? await client.tap({ queue: queues[0]! }) : undefined;
const batch = tap?.createBatch(BURST);
let captured = 0;
await tell({ ready: true });

function readTap(): void {
  if (!tap || !batch) return;
  captured += tap.rxBurst(batch);
  tap.release(batch);
}

function readFor(ns: number): number {
  const begin = nowNs();
  for (;;) {
    for (let turn = 0; turn < TURNS_A_LOOK; turn++) {
      for (const reader of readers) reader.read();
      readTap();
    }
    const took = nowNs() - begin;
    if (took >= ns) return took;
  }
}

const others = (): number => readers.slice(1).reduce((sum, { packets }) => sum + packets, 0);

readFor(warmupSeconds * 1e9);
const before = { others: others(), captured };
const ns = readFor(seconds * 1e9);
await tell({ others: others() - before.others, captured: captured - before.captured, ns });
await client.close();
process.disconnect();
