/*
 * load-meter.js [QUEUE]: packets and bits a second of a queue; on a terminal with a chart of the last minute.
 *
 * Packets are only counted, so they are taken in large bursts: the same batch is filled and released again and again.
 */
import { connect } from '@nicshare/client';
import plot from 'simple-ascii-chart';
import { Screen } from './start/screen.js';

const BURST = 256;
const SECONDS = 60;
const SIZE = { width: 64, height: 10 };

const client = await connect();
const port = await client.attach(process.argv[2] ?? 'rest');
console.log(`measures ${port.queue} of ${port.mac}`);

const screen = new Screen();
const history: number[] = [];
let [packets, bytes] = [0, 0];

/** The chart begins at 0, so that a steady load is a line and not noise. */
const chart = (): string[] =>
  plot(
    history.map((value, second): [number, number] => [second - history.length + 1, value]),
    { ...SIZE, title: 'packets/s', yRange: [0, Math.max(1, ...history)] },
  ).split('\n');

const report = setInterval(() => {
  history.push(packets);
  if (history.length > SECONDS) history.shift();
  const line = `${packets} packets/s, ${bytes * 8} bit/s`;
  screen.show(process.stdout.isTTY ? [line, ...chart()] : [line]);
  [packets, bytes] = [0, 0];
}, 1000);

const batch = port.createBatch(BURST);
while (await port.readable()) {
  packets += port.rxBurst(batch);
  for (let i = 0; i < batch.count; i++) bytes += batch.length[i]!;
  port.release(batch);
}

clearInterval(report);
screen.keep();
console.log(`ended: ${port.detachedReason?.message}`);
await client.close();
