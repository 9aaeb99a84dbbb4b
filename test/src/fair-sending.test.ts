import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { Child } from './support/child.js';
import { type FakeHost, PORTS, type QueueName, startFake } from './support/fake-dispatcher.js';
import { intactSequence, portOf } from './support/packets.js';

const NAMES = Object.keys(PORTS) as QueueName[];
/** What the slow wire takes at a time: less than one client's burst, so that turns are what decides. */
const SIP = 24;
const PACKETS = 12_000;

/** Captures until enough have come; counts each client's, which must be whole and in order. */
async function captured(host: FakeHost, senders: readonly QueueName[]): Promise<number[]> {
  const counts = new Map(senders.map((name) => [PORTS[name] as number, 0]));
  for (let total = 0; total < PACKETS; await delay(1))
    for (const packet of host.wire.capture(SIP)) {
      const port = portOf(packet);
      const expected = counts.get(port);
      if (intactSequence(packet, port) !== expected)
        throw new Error(`Packet ${expected} of port ${port} is not whole`);
      counts.set(port, expected! + 1);
      total++;
    }
  return [...counts.values()];
}

/** Idle clients stand between those who send; how long the loop idles must make no difference. */
const CASES: readonly { senders: readonly QueueName[]; attached: readonly QueueName[]; spins: number }[] = [
  { senders: NAMES, attached: NAMES, spins: 200 },
  { senders: NAMES, attached: NAMES, spins: 201 },
  { senders: ['two', 'three'], attached: NAMES, spins: 200 },
  { senders: ['one', 'three'], attached: NAMES, spins: 201 },
];

for (const { senders, attached, spins } of CASES)
  test.serial(
    `${senders.length} of ${attached.length} clients send as fast as they can: each has its turns (${senders}, ${spins} spins)`,
    async (t) => {
      const host = await startFake(t, {
        idle: { spins },
        memory: { ringSize: 64, frames: 128, deviceRingSize: 64, hugepages: 'never' },
      });
      for (const name of attached) {
        const client = Child.start(t, 'client', [host.socket, name, String(PORTS[name])]);
        await client.next('attached');
        if (senders.includes(name)) client.tell('send');
      }
      const counts = await captured(host, senders);
      const fair = PACKETS / senders.length;
      for (const [index, count] of counts.entries())
        t.true(
          count > fair * 0.6 && count < fair * 1.4,
          `${senders[index]}: ${count} of ${counts.join(', ')}`,
        );
      t.true((await host.queue(senders[0]!)).totals.txDeviceFull > 0);
    },
  );
