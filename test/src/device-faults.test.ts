import { connect } from '@nicshare/client';
import type { FakeWire, Lie } from '@nicshare/driver';
import test, { type ExecutionContext } from 'ava';
import { Bystander } from './support/bystander.js';
import { Command } from './support/command.js';
import { type FakeHost, PORTS, queues, startFake } from './support/fake-dispatcher.js';
import { numberedPacket } from './support/packets.js';
import { until } from './support/until.js';

const counters = async ({ dispatcher }: FakeHost) => (await dispatcher.stats()).deviceCounters;

/** Sends a packet and takes it off the wire. */
async function sends({ port }: Bystander, wire: FakeWire): Promise<boolean> {
  if (port.send(numberedPacket(9, 0)) !== 'sent') return false;
  await until('it is on the wire', () => wire.capture().length === 1);
  return true;
}

test.serial('the device hands over what a queue matches, and leaves the rest to the kernel', async (t) => {
  const host = await startFake(t);
  t.deepEqual((await host.dispatcher.stats()).device.rules, { coverage: 'exact' });
  const bystander = await Bystander.attach(t, host);
  const other = numberedPacket(9, 1);
  t.true(host.wire.inject(other));
  await bystander.exchange();
  t.deepEqual(host.wire.passed(), [new Uint8Array(other)]);
  const { received, notPassed } = (await host.dispatcher.stats()).plane;
  t.deepEqual([received, notPassed], [64, 0]);
});

test.serial(
  'flows are spread over several hardware rings, and reach the client of their queue',
  async (t) => {
    const host = await startFake(t, { device: { driver: 'fake', rings: 4 } });
    await Bystander.attach(t, host);
    for (let sourcePort = 0; sourcePort < 64; sourcePort++) {
      const packet = numberedPacket(PORTS.two, 0);
      packet.writeUInt16BE(sourcePort, 34);
      t.true(host.wire.inject(packet));
    }
    await until('all have come', async () => (await host.queue('two')).totals.rxPackets === 64);
    t.true((await counters(host)).rings!.every(({ rxPackets }) => rxPackets > 0));
  },
);

test.serial('a link that is down loses packets in both directions, counts them, and is shown', async (t) => {
  const host = await startFake(t, { metrics: { listen: '127.0.0.1:0' } });
  const bystander = await Bystander.attach(t, host);
  const shown = async (): Promise<[RegExpMatchArray | null, string]> => {
    const { output } = await Command.run(t, ['queues', '--interval', '0.1', '--socket', host.socket]);
    const metrics = await (await fetch(host.dispatcher.metricsUrl!)).text();
    return [/^link down, received/m.exec(output), /^nicshare_device_link_up.* (\d)$/m.exec(metrics)![1]!];
  };
  t.deepEqual(await shown(), [null, '1']);
  host.wire.setLink('down');
  t.false(host.wire.inject(numberedPacket(PORTS.two, 0)));
  t.is(bystander.port.send(numberedPacket(9, 0)), 'sent');
  await until('it is counted', async () => (await counters(host)).txDropped.linkDown === 1);
  t.is((await counters(host)).rxDropped.linkDown, 1);
  const [line, up] = await shown();
  t.truthy(line);
  t.is(up, '0');
  host.wire.setLink('up');
  await bystander.exchange();
  t.true(await sends(bystander, host.wire));
});

const LIES = ['empty', 'too-long', 'outside', 'twice'] as const satisfies readonly Lie[];

for (const mode of ['isolated', 'shared'] as const)
  for (const lie of LIES)
    test.serial(
      `a card that says '${lie}' of received packets hurts no client (${mode}), and is counted`,
      async (t) => {
        const host = await startFake(t, { queues: queues().map((queue) => ({ ...queue, mode })) });
        const bystander = await Bystander.attach(t, host);
        await bystander.exchange(1);
        await tell(host, lie, 10);
        // A frame that is named once more may be one that the card has to name again.
        if (lie !== 'twice') t.is((await counters(host)).rxDropped.wrongDescriptor, 10);
        t.is((await host.queue('two')).violations, 0);
        t.false(bystander.port.isDetached);
        t.true(await sends(bystander, host.wire));
        if (lie !== 'twice') await bystander.exchange();
      },
    );

/** The card lies so many times, and the device has looked at it. */
async function tell(host: FakeHost, lie: Lie, times: number): Promise<void> {
  for (let i = 0; i < times; i++) await until('room', () => host.wire.lie(lie));
  const read = async (): Promise<boolean> => (await counters(host)).rings![0]!.rxWaiting === 0;
  await until('the device has read all of it', read);
}

for (const lie of ['sent-outside', 'sent-twice'] as const satisfies readonly Lie[])
  test.serial(
    `a card that says '${lie}' of packets that it sent is counted, and sending goes on`,
    async (t) => {
      const host = await startFake(t);
      const bystander = await Bystander.attach(t, host);
      t.true(await sends(bystander, host.wire));
      await tell(host, lie, 3);
      t.true(await sends(bystander, host.wire));
      t.is((await counters(host)).txDropped.wrongCompletion, 3);
      await bystander.exchange();
    },
  );

const ENDS: readonly (readonly [string, (wire: FakeWire) => unknown, string])[] = [
  ['a device that fails', (wire) => wire.die('DeviceFailed'), 'DeviceFailed'],
  ['a device that is unplugged', (wire) => wire.die('InterfaceLost'), 'InterfaceLost'],
  ['a ring whose cursor cannot be', (wire) => wire.lie('cursor'), 'DeviceFailed'],
];

for (const [what, happen, code] of ENDS)
  test.serial(`${what} ends the dispatcher and tells every client why`, async (t: ExecutionContext) => {
    const host = await startFake(t);
    const failed = new Promise<string>((resolve) => {
      host.dispatcher.once('failed', (error) => resolve(error.code));
    });
    const client = await connect({ socket: host.socket });
    t.teardown(() => client.close());
    const ports = await Promise.all([client.attach('one'), client.attach('two')]);
    const ends = ports.map(
      (port) => new Promise((resolve) => port.once('detached', (reason) => resolve(reason?.code))),
    );
    happen(host.wire);
    t.is(await failed, code);
    t.deepEqual(await Promise.all(ends), [code, code]);
  });
