import test from 'ava';
import { Bystander } from './support/bystander.js';
import { Child } from './support/child.js';
import { PORTS, sharedQueues, startFake } from './support/fake-dispatcher.js';
import { intactSequence, numberedPacket, portOf } from './support/packets.js';
import { until } from './support/until.js';

const ROUNDS = 300;

for (const [mode, seed] of [
  ['isolated', 1],
  ['isolated', 20261120],
  ['shared', 2],
  ['shared', 20261124],
] as const)
  test.serial(`random words over a client's memory (${mode}, seed ${seed}) hurt nobody else`, async (t) => {
    const host = await startFake(t, mode === 'shared' ? { queues: sharedQueues(128) } : {});
    const bystander = await Bystander.attach(t, host);
    const fuzzer = Child.start(t, 'ring-fuzzer', [host.socket, 'one', String(ROUNDS), String(seed)]);
    let finished = false;
    const outcome = fuzzer.next('finished').finally(() => {
      finished = true;
    });

    let sent = 0;
    let captured = 0;
    const capture = (): void => {
      for (const packet of host.wire.capture()) {
        if (portOf(packet) !== PORTS.two) continue;
        if (intactSequence(packet, PORTS.two) !== captured)
          throw new Error(`Sent packet ${captured} is damaged`);
        captured++;
      }
    };
    while (!finished) {
      host.wire.inject(numberedPacket(PORTS.one, 1));
      await bystander.exchange(8);
      if (bystander.port.send(numberedPacket(PORTS.two, sent)) === 'sent') sent++;
      capture();
    }
    const { violations } = await outcome;
    await until('all that was sent', () => {
      capture();
      return captured === sent;
    });
    t.true(sent > 0);
    t.true(Number(violations) > ROUNDS / 4, `${violations} of ${ROUNDS} sessions were ended for a violation`);
    const stats = await host.dispatcher.stats();
    t.is(stats.ledgerErrors, 0);
    t.true(stats.queues[0]!.violations >= Number(violations));
    t.is(stats.queues[0]!.client, null);
    await bystander.exchange(200);
  });
