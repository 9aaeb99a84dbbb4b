import { connect } from '@nicshare/client';
import test from 'ava';
import { PORTS, startFake } from './support/fake-dispatcher.js';
import { numberedPacket } from './support/packets.js';
import { RawSession } from './support/raw-session.js';
import { until } from './support/until.js';

const SECRET = 0xa5;
const DEVICE_RING = 64;
/** More than the frames of the device, twice as many as slots in its ring. */
const FLOOD = 4 * DEVICE_RING;

/** A long packet for a queue, full of a byte that occurs in no other. */
function secretPacket(port: number): Buffer {
  const packet = numberedPacket(port, 0, 1500);
  packet.fill(SECRET, 42);
  return packet;
}

const SECRETS = Buffer.alloc(8, SECRET);
const leaks = (bytes: Uint8Array): boolean => Buffer.from(bytes).includes(SECRETS);

for (const hugepages of ['auto', 'never'] as const)
  test.serial(
    `nothing of one client's packets lies in another's memory (hugepages: ${hugepages})`,
    async (t) => {
      const host = await startFake(t, {
        memory: { ringSize: 64, frames: 128, deviceRingSize: DEVICE_RING, hugepages },
      });
      const client = await connect({ socket: host.socket });
      t.teardown(() => client.close());
      const secretive = await client.attach('one');
      const curious = await client.attach('two');
      const seen = secretive.createBatch();
      const batch = curious.createBatch();
      // Frames come round: short packets lie in frames of the device that have held a secret.
      for (let i = 0; i < FLOOD; i++) {
        const length = 46 + (i % 100);
        const inject = (packet: Buffer): Promise<void> =>
          until('room in the device', () => host.wire.inject(packet));
        await inject(secretPacket(PORTS.one));
        await inject(numberedPacket(PORTS.two, i, length));
        await until('both packets', () => secretive.rxBurst(seen) > 0);
        await until('both packets', () => curious.rxBurst(batch) > 0);
        if (i === 0) t.true(leaks(seen.packet(0)), 'the secret came to whom it was for');
        secretive.release(seen);
        curious.release(batch);
      }
      t.false(leaks(batch.bytes));
      t.true(leaks(seen.bytes));
    },
  );

test.serial("a queue's next client finds nothing of the one before", async (t) => {
  const host = await startFake(t);
  for (let round = 0; round < 5; round++) {
    const session = await RawSession.attach(host.socket, 'one');
    const { arena, dispatcherRegion, clientRegion, shape } = session;
    const region = (offset: number, length: number): Uint8Array =>
      new Uint8Array(arena.memory.buffer, offset, length);
    t.false(leaks(region(dispatcherRegion, shape.dispatcherBytes)));
    t.false(leaks(region(clientRegion, shape.clientBytes)));
    t.true(host.wire.inject(secretPacket(PORTS.one)));
    await until('the packet', () => leaks(region(dispatcherRegion, shape.dispatcherBytes)));
    region(clientRegion, shape.clientBytes).fill(SECRET, shape.txFramesOffset);
    session.close();
    await until('the queue is free', async () => (await host.queue('one')).client === null);
  }
});
