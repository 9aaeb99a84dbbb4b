import { check } from '@nicshare/shm/sys';
import koffi from 'koffi';

const lib = koffi.load('libc.so.6');
const unshare = lib.func('int unshare(int flags)');
const mount = lib.func(
  'int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data)',
);

// linux/sched.h, linux/mount.h
const CLONE_NEWNS = 0x00020000;
const MS_REC = 1 << 14;
const MS_PRIVATE = 1 << 18;

/** The calling thread, and those that it starts, see an empty folder in that place from now on. Needs root. */
export function hideFolder(path: string): void {
  check(unshare(CLONE_NEWNS), 'unshare(CLONE_NEWNS)');
  check(mount('none', '/', null, MS_REC | MS_PRIVATE, null), 'mount(/, private)');
  check(mount('none', path, 'tmpfs', 0, null), `mount(${path})`);
}
