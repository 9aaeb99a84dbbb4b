import { connect } from '@nicshare/client';
import test from 'ava';
import { Bystander } from './support/bystander.js';
import { Child } from './support/child.js';
import { PORTS, sharedQueues, startFake } from './support/fake-dispatcher.js';
import { intactSequence, numberedPacket } from './support/packets.js';
import { until } from './support/until.js';

/** Each rule of processes/ring-breaker.ts, and what the client is told of it. */
const RULES: readonly (readonly [string, RegExp])[] = [
  ['fill: outside the region', /no frame of the region/],
  ['fill: far outside', /no frame of the region/],
  ['fill: below the frames', /no frame of the region/],
  ['fill: inside a frame', /no frame of the region/],
  ['fill: a frame not held', /did not hold/],
  ['fill: returned twice', /did not hold/],
  ['fill: returned again', /did not hold/],
  ['fill: producer jumped', /fillRing's producer cursor/],
  ['rx: consumer beyond the producer', /rxRing's consumer cursor/],
  ['tx: outside the region', /txRing descriptor/],
  ['tx: below the frames', /txRing descriptor/],
  ['tx: behind the last frame', /txRing descriptor/],
  ["tx: across the frame's end", /txRing descriptor/],
  ['tx: producer jumped', /txRing's producer cursor/],
  ['completion: consumer jumped', /completionRing's consumer cursor/],
];

/** In mode `shared` a frame is named by any of its bytes, and whatever the client does not hold is nothing to return. */
const OTHERWISE_SHARED: Record<string, RegExp> = {
  'fill: below the frames': /did not hold/,
  'fill: inside a frame': /did not hold/,
};

const CASES = (['isolated', 'shared'] as const).flatMap((mode) =>
  RULES.map(
    ([rule, reason]) =>
      [mode, rule, mode === 'shared' ? (OTHERWISE_SHARED[rule] ?? reason) : reason] as const,
  ),
);

for (const [mode, rule, reason] of CASES)
  test.serial(
    `${mode}, ${rule}: that session ends, the queue is free again, nobody else loses a packet`,
    async (t) => {
      const host = await startFake(t, mode === 'shared' ? { queues: sharedQueues(64) } : {});
      const bystander = await Bystander.attach(t, host);
      const breaker = Child.start(t, 'ring-breaker', [host.socket, 'one', rule]);
      await breaker.next('attached');

      let ended = false;
      const told = breaker.next('ended').then((message) => {
        ended = true;
        return message;
      });
      await until('the session ends', async () => {
        host.wire.inject(numberedPacket(PORTS.one, 0));
        await bystander.exchange(8);
        host.wire.capture();
        return ended;
      });
      const { code, message } = await told;
      t.is(code, 'RingViolation');
      t.regex(String(message), reason);
      t.is((await host.queue('one')).violations, 1);

      const client = await connect({ socket: host.socket });
      t.teardown(() => client.close());
      const port = await client.attach('one');
      t.true(host.wire.inject(numberedPacket(PORTS.one, 7)));
      t.true(await port.readable());
      const batch = port.createBatch();
      t.is(port.rxBurst(batch), 1);
      t.is(intactSequence(batch.packet(0), PORTS.one), 7);
      await bystander.exchange(200);
      port.release(batch);
      const all = 2 * host.dispatcher.config.memory.deviceRingSize + (mode === 'shared' ? 3 * 64 : 0);
      await until('all frames are with the device', async () => {
        const { ledgerErrors, deviceCounters } = await host.dispatcher.stats();
        t.is(ledgerErrors, 0);
        return deviceCounters.rings![0]!.rxFree === all;
      });
    },
  );
