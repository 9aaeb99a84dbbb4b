import { readdirSync } from 'node:fs';
import { connect, isNicshareError } from '@nicshare/client';
import { connectUnix, descriptorSocketPath } from '@nicshare/shm';
import { libc } from '@nicshare/shm/sys';
import test from 'ava';
import { Child } from './support/child.js';
import { fakeOptions } from './support/fake-dispatcher.js';
import { limitDescriptors } from './support/kernel-calls.js';
import { RawControl } from './support/raw-control.js';
import { scratchSocket } from './support/scratch.js';
import { until } from './support/until.js';

/** Descriptors that the dispatcher may open beyond those that it has. */
const SPARE = 12;
const STRANGERS = 40;

const openDescriptors = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

async function attaches(socket: string): Promise<boolean> {
  try {
    const client = await connect({ socket });
    try {
      const port = await client.attach('one');
      return !port.isDetached;
    } finally {
      await client.close();
    }
  } catch (error) {
    if (isNicshareError(error)) return false;
    throw error;
  }
}

test.serial('a dispatcher that has no descriptors left goes on, and serves when it has some', async (t) => {
  const socket = scratchSocket(t);
  const dispatcher = Child.start(t, 'dispatcher', [JSON.stringify(fakeOptions(socket))]);
  await dispatcher.next('ready');
  t.true(await attaches(socket));
  const before = openDescriptors(dispatcher.pid);
  t.is(limitDescriptors(dispatcher.pid, before + SPARE), 0);

  const controls: RawControl[] = [];
  const claimers: number[] = [];
  for (let i = 0; i < STRANGERS; i++) controls.push(await RawControl.open(socket));
  for (let i = 0; i < STRANGERS; i++) claimers.push(connectUnix(descriptorSocketPath(socket)));
  await until('it runs out', () => openDescriptors(dispatcher.pid) >= before + SPARE);
  t.false(await attaches(socket));
  for (const control of controls) control.close();
  for (const fd of claimers) libc.close(fd);

  // More than there is room for: each failed attempt must have left nothing behind.
  for (let i = 0; i < 3; i++) await until('it serves again', () => attaches(socket));
  dispatcher.tell('stop');
  await dispatcher.next('stopped');
});
