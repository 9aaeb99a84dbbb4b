/*
 * Tries to change memory that is not its own, and says what the kernel answered to each attempt: 0, or the error's
 * number. Arguments: socket, queue, and `write` or `device` where it is to write to the read-only memory, the session's or
 * the device's, which ends it.
 */
import { layout } from '@nicshare/shm';
import { F_ADD_SEALS, libc, MAP_SHARED, PROT_READ, PROT_WRITE } from '@nicshare/shm/sys';
import { O_RDWR, outcome, protect, punchHole, removePages } from '../support/kernel-calls.js';
import { becomeNobody } from '../support/nobody.js';
import { say } from '../support/parent.js';
import { RawSession } from '../support/raw-session.js';

const PAGE = layout.REGION_ALIGNMENT;
const F_SEAL_WRITE = 0x8;
const [socket, queue, write] = process.argv.slice(2) as [string, string, string?];
becomeNobody();
const session = await RawSession.attach(socket, queue);
const { arena, shape, dispatcherRegion, window, cells } = session;
const [readOnly, own, , device] = session.descriptors;

if (write) {
  await say('writing');
  const at = write === 'device' ? window : dispatcherRegion + layout.SESSION_STATE;
  Atomics.store(cells, at >> 2, layout.STATE_ENDED);
  await say('written');
}

const reopen = (fd: number, path: string): number => outcome(libc.open(`${path}/${fd}`, O_RDWR, 0));
/** Attempts at memory that others write. */
const probe = (fd: number, address: number): Record<string, number> => ({
  'mprotect writable': protect(address, PAGE, PROT_READ | PROT_WRITE),
  'madvise MADV_REMOVE': removePages(address, PAGE),
  'fallocate PUNCH_HOLE': punchHole(fd, 0, PAGE),
  'ftruncate to nothing': outcome(libc.ftruncate(fd, 0)),
  'mmap writable': outcome(libc.mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)),
  'reopen by /proc/self/fd': reopen(fd, '/proc/self/fd'),
  'reopen by the thread': reopen(fd, '/proc/thread-self/fd'),
  fchmod: outcome(libc.fchmod(fd, 0o777)),
  'add a seal': outcome(libc.fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE)),
});

await say('probed', {
  readOnly: probe(readOnly, arena.base + dispatcherRegion),
  device: device === undefined ? undefined : probe(device, arena.base + window),
  own: {
    'ftruncate to nothing': outcome(libc.ftruncate(own, 0)),
    'ftruncate to less': outcome(libc.ftruncate(own, PAGE / 2)),
    'ftruncate to more': outcome(libc.ftruncate(own, shape.clientBytes * 2)),
    'add a seal': outcome(libc.fcntl(own, F_ADD_SEALS, F_SEAL_WRITE)),
  },
});
session.close();
process.disconnect();
