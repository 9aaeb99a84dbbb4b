/*
 * replay.js FILE: runs a capture through an application at full speed, and prints who talked to whom.
 *
 * A dispatcher inside the program, as in embedded.js, on a device that replays: it begins once the application is
 * attached, and `hold` makes it wait while the application is busy, so that not a packet is lost.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@nicshare/client';
import { createDispatcher } from '@nicshare/dispatcher';
import { ipv4Addresses } from './headers.js';

const LINES = 10;
const [file] = process.argv.slice(2);
if (!file) {
  console.error('usage: replay.js FILE');
  process.exit(1);
}

const directory = mkdtempSync(join(tmpdir(), 'nicshare-replay-'));
process.once('exit', () => rmSync(directory, { recursive: true }));
const dispatcher = await createDispatcher(
  {
    socket: { path: join(directory, 'nicshare.sock') },
    device: { driver: 'pcap', file, rate: 'flat-out', start: 'attached' },
    queues: [{ name: 'all', match: 'any' }],
    overflow: 'hold',
  },
  (note) => {
    if (note.includes('has been replayed')) void dispatcher.close();
  },
);
const client = await connect({ socket: dispatcher.socketPath });
const port = await client.attach('all');

const talk = new Map<string, { packets: number; bytes: number }>();
let received = 0;
for await (const packets of port) {
  received += packets.count;
  for (let i = 0; i < packets.count; i++) {
    const pair = ipv4Addresses(packets.packet(i));
    const sum = talk.get(pair) ?? { packets: 0, bytes: 0 };
    talk.set(pair, { packets: sum.packets + 1, bytes: sum.bytes + packets.length[i]! });
  }
}

const loudest = [...talk].sort(([, a], [, b]) => b.bytes - a.bytes).slice(0, LINES);
const lines = loudest.map(([pair, { packets, bytes }]) => `${pair}: ${packets} packets, ${bytes} bytes`);
console.log([`${received} packets of ${file}`, ...lines].join('\n'));
await client.close();
