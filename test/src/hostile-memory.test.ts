import { fstatSync } from 'node:fs';
import { constants } from 'node:os';
import { layout } from '@nicshare/shm';
import test, { type ExecutionContext } from 'ava';
import { Bystander } from './support/bystander.js';
import { Child } from './support/child.js';
import { PORTS, sharedQueues, startFake } from './support/fake-dispatcher.js';
import { canBecomeNobody } from './support/nobody.js';
import { numberedPacket } from './support/packets.js';
import { RawSession } from './support/raw-session.js';
import { until } from './support/until.js';

const { EACCES, EPERM, EBADF, EINVAL } = constants.errno;
const asNobody = canBecomeNobody ? test.serial : test.serial.skip;
const title = (text: string): string =>
  canBecomeNobody
    ? text
    : `${text} (skipped: without root a client is the dispatcher's own user, who may undo it)`;

/** What the kernel may answer; a descriptor that is not open for writing is EBADF or EINVAL to calls that write. */
const REFUSED = new Set([EACCES, EPERM, EBADF, EINVAL]);

/** What a client tried with memory that it may only read. */
function allRefused(t: ExecutionContext, attempts: Readonly<Record<string, number>>): void {
  t.is(Object.keys(attempts).length, 9);
  for (const [attempt, answer] of Object.entries(attempts))
    t.true(REFUSED.has(answer), `${attempt}: ${answer}`);
  for (const attempt of [
    'mprotect writable',
    'mmap writable',
    'reopen by /proc/self/fd',
    'reopen by the thread',
  ])
    t.is(attempts[attempt], EACCES, attempt);
}

asNobody(title("the kernel refuses a client all that would change the device's memory"), async (t) => {
  const host = await startFake(t, { queues: sharedQueues(64) });
  const bystander = await Bystander.attach(t, host);
  const prober = Child.start(t, 'memory-prober', [host.socket, 'one']);
  const { readOnly, device } = (await prober.next('probed')) as unknown as Record<
    string,
    Record<string, number>
  >;
  allRefused(t, readOnly!);
  allRefused(t, device!);
  const writer = Child.start(t, 'memory-prober', [host.socket, 'three', 'device']);
  await writer.next('writing');
  t.is(await writer.exit(), 'SIGSEGV');
  await bystander.exchange();
});

for (const hugepages of ['auto', 'never'] as const) {
  const options = { memory: { ringSize: 64, frames: 128, hugepages } };

  asNobody(
    title(`the kernel refuses a client all that would change memory not its own (hugepages: ${hugepages})`),
    async (t) => {
      const host = await startFake(t, options);
      const bystander = await Bystander.attach(t, host);
      const prober = Child.start(t, 'memory-prober', [host.socket, 'one']);
      const { readOnly, own } = (await prober.next('probed')) as unknown as Record<
        string,
        Record<string, number>
      >;
      allRefused(t, readOnly!);
      for (const [attempt, answer] of Object.entries(own!)) t.is(answer, EPERM, attempt);
      await bystander.exchange();
    },
  );

  asNobody(
    title(`a client that writes to its read-only memory ends itself alone (hugepages: ${hugepages})`),
    async (t) => {
      const host = await startFake(t, options);
      const bystander = await Bystander.attach(t, host);
      const writer = Child.start(t, 'memory-prober', [host.socket, 'one', 'write']);
      await writer.next('writing');
      t.is(await writer.exit(), 'SIGSEGV');
      await bystander.exchange();
      await (await Bystander.attach(t, host, 'one')).exchange();
    },
  );

  test.serial(
    `a client that keeps the descriptors of its sessions keeps no memory (hugepages: ${hugepages})`,
    async (t) => {
      const host = await startFake(t, options);
      const session = await RawSession.attach(host.socket, 'one');
      const [dispatcherRegion, clientRegion] = session.descriptors;
      t.true(fstatSync(dispatcherRegion).blocks > 0);
      session.control.close();
      await until('the session ends', async () => (await host.queue('one')).client === null);
      t.is(fstatSync(dispatcherRegion).blocks, 0);
      t.is(fstatSync(clientRegion).blocks, 0);
      t.is(session.read(layout.RX_PRODUCER), 0, 'what it still maps can be read, and is empty');
      session.close();
    },
  );

  test.serial(
    `a client that punches holes into its memory hurts nobody else (hugepages: ${hugepages})`,
    async (t) => {
      const host = await startFake(t, options);
      const bystander = await Bystander.attach(t, host);
      const puncher = Child.start(t, 'memory-puncher', [host.socket, 'one']);
      await puncher.next('attached');
      for (let round = 0; round < 200; round++) {
        for (let i = 0; i < 8; i++) host.wire.inject(numberedPacket(PORTS.one, i));
        await bystander.exchange(16);
        host.wire.capture();
      }
      puncher.tell('enough');
      const { holes } = await puncher.next('finished');
      t.true(Number(holes) > 100, `${holes} holes`);
      await puncher.exit();
      t.is((await host.dispatcher.stats()).ledgerErrors, 0);
      await bystander.exchange();
    },
  );
}
