import { connect } from '@nicshare/client';
import { isNicshareError, layout, type NicshareError } from '@nicshare/shm';
import { libc, MAP_ANONYMOUS, MAP_SHARED, PROT_READ } from '@nicshare/shm/sys';
import test, { type ExecutionContext } from 'ava';
import { Bystander } from './support/bystander.js';
import { type FakeHost, startFake } from './support/fake-dispatcher.js';

// asm-generic/mman-common.h: a mapping in 2 MiB pages, which are reserved for it at once and filled at a touch.
const MAP_HUGETLB = 0x40000 | (21 << 26);
const LARGEST_RESERVE = 4096 * layout.REGION_ALIGNMENT;

/** Reserves all 2 MiB pages that the machine has free, until the test ends. */
function useUpHugepages(t: ExecutionContext): void {
  for (let bytes = LARGEST_RESERVE; bytes >= layout.REGION_ALIGNMENT; ) {
    const flags = MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB;
    const address = libc.mmap(0, bytes, PROT_READ, flags, -1, 0);
    if (address < 0) bytes /= 2;
    else t.teardown(() => libc.munmap(address, bytes));
  }
}

/** A session of 16 large pages. */
const options = (hugepages: 'auto' | 'require' | 'never') => ({
  memory: { ringSize: 64, frames: 16384, hugepages },
});

/** An attach while no 2 MiB page is free. Other programs may free some meanwhile: then it is tried once more. */
async function attachWithout(
  t: ExecutionContext,
  hugepages: 'auto' | 'require',
): Promise<{ host: FakeHost; refusal: NicshareError | undefined }> {
  for (;;) {
    useUpHugepages(t);
    const host = await startFake(t, options(hugepages));
    const client = await connect({ socket: host.socket });
    t.teardown(() => client.close());
    try {
      await client.attach('one');
    } catch (error) {
      if (!isNicshareError(error)) throw error;
      return { host, refusal: error };
    }
    if ((await host.queue('one')).client?.pageSize === 4096) return { host, refusal: undefined };
  }
}

test.serial(
  'hugepages: require, and none are free: OutOfMemory with the command that makes some',
  async (t) => {
    const { host, refusal } = await attachWithout(t, 'require');
    t.is(refusal?.code, 'OutOfMemory');
    t.regex(refusal!.action, /sysctl -w vm\.nr_hugepages=/);
    t.is((await host.dispatcher.stats()).memory.used, 0);
    t.is((await host.queue('one')).client, null);
  },
);

test.serial('hugepages: auto, and none are free: 4 KiB pages, said once', async (t) => {
  const { host, refusal } = await attachWithout(t, 'auto');
  t.is(refusal, undefined);
  await (await Bystander.attach(t, host, 'two')).exchange();
  await (await Bystander.attach(t, host, 'three')).exchange();
  t.is(host.notes.filter((line) => /2 MiB pages/.test(line)).length, 1);
  t.regex(host.notes.join(), /sysctl -w vm\.nr_hugepages=/);
});

test.serial('hugepages: never: 4 KiB pages, and nothing is said', async (t) => {
  const host = await startFake(t, options('never'));
  await (await Bystander.attach(t, host, 'one')).exchange();
  t.is((await host.queue('one')).client?.pageSize, 4096);
  t.deepEqual(host.notes, []);
});
