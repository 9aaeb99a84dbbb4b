import { errno } from '@nicshare/shm/sys';
import koffi from 'koffi';

/* Calls by which a hostile client would change what is not its own, and by which a test takes a process its means. */
const lib = koffi.load('libc.so.6');

const calls = {
  madvise: lib.func('int madvise(uintptr_t address, size_t length, int advice)'),
  mprotect: lib.func('int mprotect(uintptr_t address, size_t length, int protection)'),
  fallocate: lib.func('int fallocate(int fd, int mode, int64_t offset, int64_t length)'),
  shutdown: lib.func('int shutdown(int fd, int how)'),
  prlimit: lib.func('int prlimit(int pid, int resource, const void *limit, void *old)'),
};

// asm-generic/mman-common.h, linux/falloc.h, asm-generic/fcntl.h
const MADV_REMOVE = 9;
const FALLOC_FL_KEEP_SIZE = 1;
const FALLOC_FL_PUNCH_HOLE = 2;
export const F_GETFL = 3;
export const F_SETFL = 4;
export const O_RDWR = 2;
export const O_NONBLOCK = 0o4000;
export const SHUT_RDWR = 2;

/** 0, or the error's number. */
export const outcome = (result: number): number => (result < 0 ? errno() : 0);

export const removePages = (address: number, length: number): number =>
  outcome(calls.madvise(address, length, MADV_REMOVE));

export const punchHole = (fd: number, offset: number, length: number): number =>
  outcome(calls.fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length));

export const protect = (address: number, length: number, protection: number): number =>
  outcome(calls.mprotect(address, length, protection));

export const shutdown = (fd: number): number => outcome(calls.shutdown(fd, SHUT_RDWR));

const RLIMIT_NOFILE = 7;

/** Sets how many descriptors a process may have, as its soft limit. */
export function limitDescriptors(pid: number, count: number): number {
  const limits = Buffer.alloc(16);
  calls.prlimit(pid, RLIMIT_NOFILE, null, limits);
  limits.writeBigUInt64LE(BigInt(count));
  return outcome(calls.prlimit(pid, RLIMIT_NOFILE, limits, null));
}
