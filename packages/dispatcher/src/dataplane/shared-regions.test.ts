import type { Device } from '@nicshare/driver';
import { Arena, createOwnRegion, destroyRegion, isNicshareError, type Region } from '@nicshare/shm';
import { libc } from '@nicshare/shm/sys';
import test, { type ExecutionContext } from 'ava';
import { openSharedRegions } from './shared-regions.js';

const device = (rxQueues: number, rxRegions: readonly Region[]): Device =>
  ({ info: { interface: 'card0', rxQueues }, rxRegions }) as unknown as Device;

function refused(t: ExecutionContext, body: () => unknown, words: RegExp): void {
  const error = t.throws(body);
  t.true(isNicshareError(error, 'NotSupported'));
  t.regex(error!.message, words);
}

test('a device whose frames nobody could map, or of too many rings, is refused', (t) => {
  refused(t, () => openSharedRegions(device(1, [])), /card0.*mode: isolated/);
  const region: Region = { name: 'x', offset: 0, bytes: 0, pageSize: 4096, fd: -1 };
  refused(t, () => openSharedRegions(device(65, [region])), /65 hardware rings.*device\.rings: 64/);
});

test('regions are opened read-only', (t) => {
  const arena = Arena.create(8 << 20, { shared: true });
  const region = createOwnRegion(arena, 'test', 1, 'never');
  const [shared] = openSharedRegions(device(1, [region]));
  t.is(shared!.offset, region.offset);
  t.is(shared!.bytes, region.bytes);
  t.throws(() => arena.map(shared!.fd, shared!.bytes, 'read-write'), { message: /EACCES/ });
  libc.close(shared!.fd);
  destroyRegion(arena, region);
});
