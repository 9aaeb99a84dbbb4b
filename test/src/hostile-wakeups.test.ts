import test from 'ava';
import { Bystander } from './support/bystander.js';
import { Child } from './support/child.js';
import { PORTS, startFake } from './support/fake-dispatcher.js';
import { numberedPacket } from './support/packets.js';

/** What processes/wake-abuser.ts does with its wake-up descriptor. */
const ABUSES = [
  'blocking and never read',
  'closed',
  'shut down',
  'full of doorbells',
  'full of long messages',
  'full of empty messages',
];

for (const abuse of ABUSES)
  test.serial(`a wake-up descriptor ${abuse}: the dispatcher goes on and serves others`, async (t) => {
    const host = await startFake(t);
    const bystander = await Bystander.attach(t, host);
    const abuser = Child.start(t, 'wake-abuser', [host.socket, 'one', abuse]);
    await abuser.next('attached');
    for (let round = 0; round < 300; round++) {
      host.wire.inject(numberedPacket(PORTS.one, round));
      await bystander.exchange(8);
    }
    const { totals, client } = await host.queue('one');
    t.is(client?.pid, abuser.pid, 'it is still attached');
    t.true(totals.rxPackets > 0);
    if (abuse === 'blocking and never read') t.true(totals.wakeups > 0);
    if (abuse === 'closed' || abuse === 'shut down') t.true(totals.wakeupsRefused > 0);
    if (abuse === 'full of doorbells') t.true(totals.doorbells > 0);
    abuser.tell('enough');
    await abuser.next('finished');
    await abuser.exit();
    await (await Bystander.attach(t, host, 'one')).exchange();
    await bystander.exchange();
  });
