import { createWakePair, refuseDescriptors, sendDescriptors } from '@nicshare/shm';
import { EPERM, libc, SystemError } from '@nicshare/shm/sys';
import test from 'ava';
import { Bystander } from './support/bystander.js';
import { Child } from './support/child.js';
import { startFake } from './support/fake-dispatcher.js';

function kernelRefuses(): boolean {
  const { own, peer } = createWakePair();
  const refuses = refuseDescriptors(own);
  libc.close(own);
  libc.close(peer);
  return refuses;
}

const refusing = kernelRefuses() ? test.serial : test.serial.skip;
const title = (text: string): string =>
  kernelRefuses() ? text : `${text} (skipped: SO_PASSRIGHTS needs Linux 6.16)`;

refusing(title('a wake-up descriptor takes no descriptors'), (t) => {
  const { own, peer } = createWakePair();
  const error = t.throws(() => sendDescriptors(peer, Uint8Array.of(1), [0]), { instanceOf: SystemError });
  t.is(error?.errno, EPERM);
  libc.close(own);
  libc.close(peer);
});

for (const where of ['wake-up', 'control', 'descriptor'])
  refusing(
    title(`a descriptor whose close takes long, sent over the ${where} socket, holds nobody up`),
    async (t) => {
      const host = await startFake(t);
      const bystander = await Bystander.attach(t, host);
      const sender = Child.start(t, 'lingering-sender', [host.socket, 'one', where]);
      t.is((await sender.next('sent')).errno, EPERM);
      await bystander.exchange();
      await sender.kill('SIGKILL');
      await (await Bystander.attach(t, host, 'one')).exchange();
    },
  );
