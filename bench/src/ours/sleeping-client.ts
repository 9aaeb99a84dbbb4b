/** A client that sleeps while there is nothing to read; on `usage` and `stop` it tells packets and processor time. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { connect } from '@nicshare/client';
import { cpuNs, type Question, settings, tell } from './parent.js';
import { Reader } from './receive.js';

/** Sleeps and bursts after which the event loop has a turn, which is where `stop` comes in. */
const STEPS_A_TURN = 256;
const SLEEP_MS = 100;

export interface SleepingSettings {
  readonly socket: string;
  readonly queue: string;
}

const { socket, queue } = settings<SleepingSettings>();
const client = await connect({ socket });
const port = await client.attach(queue);
const reader = new Reader(port);
let stopped = false;
process.on('message', ({ type }: Question) => {
  if (type === 'stop') stopped = true;
  else void tell({ packets: reader.packets, cpuNs: cpuNs() });
});
await tell({ ready: true });

/** Reads until nothing came for a while or it is the event loop's turn. */
function readSome(): void {
  for (let step = 0; step < STEPS_A_TURN; step++)
    if (reader.read() === 0 && port.waitReadable(SLEEP_MS) !== 'readable') return;
}

while (!stopped) {
  readSome();
  await nextTurn();
}
while (reader.read() > 0);
await tell({ packets: reader.packets, cpuNs: cpuNs() });
await client.close();
process.disconnect();
