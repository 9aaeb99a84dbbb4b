/** A client that reads without pause, first to warm up, then to measure; tells packets, bytes and nanoseconds. */
import { connect } from '@nicshare/client';
import { nowNs, settings, tell } from './parent.js';
import { Reader } from './receive.js';

const TURNS_A_LOOK = 1024;

export interface SpinningSettings {
  readonly socket: string;
  readonly queue: string;
  readonly warmupSeconds: number;
  readonly seconds: number;
}

const { socket, queue, warmupSeconds, seconds } = settings<SpinningSettings>();
const client = await connect({ socket });
const port = await client.attach(queue);
const reader = new Reader(port);
await tell({ ready: true });

function readFor(ns: number): number {
  const begin = nowNs();
  for (;;) {
    for (let turn = 0; turn < TURNS_A_LOOK; turn++) reader.read();
    const took = nowNs() - begin;
    if (took >= ns) return took;
  }
}

readFor(warmupSeconds * 1e9);
const { packets, bytes } = reader;
const ns = readFor(seconds * 1e9);
await tell({ packets: reader.packets - packets, bytes: reader.bytes - bytes, ns, sum: reader.sum });
await client.close();
process.disconnect();
