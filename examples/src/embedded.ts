/*
 * embedded.js: a dispatcher inside a program, on a device in memory: no privileges, no network card.
 *
 * An application's own tests can be written this way: `wire` is the far side of the device, where packets come from
 * and go to.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from '@nicshare/client';
import { createDispatcher } from '@nicshare/dispatcher';
import { FakeWire, type FakeWireDescription } from '@nicshare/driver';

const directory = mkdtempSync(join(tmpdir(), 'nicshare-embedded-'));
const dispatcher = await createDispatcher({
  socket: { path: join(directory, 'nicshare.sock') },
  device: { driver: 'fake' },
  queues: [
    { name: 'arp', match: { etherType: 'arp' } },
    { name: 'rest', match: 'any', priority: 1000 },
  ],
});
const wire = new FakeWire(dispatcher.wire.memory, dispatcher.wire.description as FakeWireDescription);

const client = await connect({ socket: dispatcher.socketPath });
const port = await client.attach('arp');

const request = new Uint8Array(60).fill(0xff, 0, 6);
request.set([0x08, 0x06], 12); // EtherType ARP
wire.inject(request);

for await (const packets of port) {
  console.log(`received ${packets.count} of ${packets.length[0]} bytes`);
  console.log(port.send(packets.copy(0)));
  break;
}
let sent = wire.capture();
for (; sent.length === 0; sent = wire.capture()) await delay(1);
console.log(`on the wire: ${sent[0]!.length} bytes`);

await client.close();
wire.close();
await dispatcher.close();
rmSync(directory, { recursive: true });
