import { getSystemErrorMap } from 'node:util';
import koffi from 'koffi';

/*
 * The C library's functions that shared memory, descriptors and wake-ups need. Addresses are numbers: user space
 * ends below 2^47. No call here allocates more than its arguments; `ssize_t` is unknown to koffi, hence int64_t.
 */
const lib = koffi.load('libc.so.6');

export const libc = {
  mmap: lib.func('intptr_t mmap(uintptr_t addr, size_t length, int prot, int flags, int fd, int64_t offset)'),
  munmap: lib.func('int munmap(uintptr_t addr, size_t length)'),
  memfdCreate: lib.func('int memfd_create(const char *name, unsigned int flags)'),
  ftruncate: lib.func('int ftruncate(int fd, int64_t length)'),
  fcntl: lib.func('int fcntl(int fd, int command, int argument)'),
  fchmod: lib.func('int fchmod(int fd, uint32_t mode)'),
  fallocate: lib.func('int fallocate(int fd, int mode, int64_t offset, int64_t length)'),
  open: lib.func('int open(const char *path, int flags, uint32_t mode)'),
  close: lib.func('int close(int fd)'),
  dup: lib.func('int dup(int fd)'),
  socket: lib.func('int socket(int domain, int type, int protocol)'),
  socketpair: lib.func('int socketpair(int domain, int type, int protocol, _Out_ int *pair)'),
  bind: lib.func('int bind(int fd, const void *address, uint32_t length)'),
  listen: lib.func('int listen(int fd, int backlog)'),
  accept4: lib.func('int accept4(int fd, void *address, void *length, int flags)'),
  connect: lib.func('int connect(int fd, const void *address, uint32_t length)'),
  setsockopt: lib.func('int setsockopt(int fd, int level, int option, const void *value, uint32_t length)'),
  getsockopt: lib.func('int getsockopt(int fd, int level, int option, void *value, void *length)'),
  send: lib.func('int64_t send(int fd, const void *bytes, size_t length, int flags)'),
  recv: lib.func('int64_t recv(int fd, void *bytes, size_t length, int flags)'),
  sendmsg: lib.func('int64_t sendmsg(int fd, const void *message, int flags)'),
  recvmsg: lib.func('int64_t recvmsg(int fd, void *message, int flags)'),
  poll: lib.func('int poll(void *fds, unsigned long count, int timeout)'),
  ppoll: lib.func('int ppoll(void *fds, unsigned long count, const void *timeout, const void *mask)'),
  schedYield: lib.func('int sched_yield()'),
  umask: lib.func('uint32_t umask(uint32_t mask)'),
  clockGettime: lib.func('int clock_gettime(int clock, uintptr_t timespec)'),
  pidfdOpen: lib.func('syscall', 'long', ['long', 'int', 'unsigned int']),
};

/** Addresses as numbers. Takes a typed array, a Buffer or an ArrayBuffer (a bare SharedArrayBuffer has to be wrapped). */
export const addressOf = (bytes: ArrayBufferView | ArrayBuffer): number => Number(koffi.address(bytes));

// asm-generic/errno-base.h, asm-generic/errno.h
export const EPERM = 1;
export const ENOENT = 2;
export const EINTR = 4;
export const EIO = 5;
export const EAGAIN = 11;
export const ENOMEM = 12;
export const EACCES = 13;
export const EBUSY = 16;
export const ENODEV = 19;
export const EINVAL = 22;
export const EBADFD = 77;
export const EOPNOTSUPP = 95;
export const ENOBUFS = 105;

/** The error number of the last failed call; to be read at once. */
export const errno = (): number => koffi.errno();

/** A failed system call: `call` and `errno` to test for, the kernel's words for people. */
export class SystemError extends Error {
  readonly call: string;
  readonly errno: number;

  constructor(call: string, number: number) {
    const [name, text] = getSystemErrorMap().get(-number) ?? [`errno ${number}`, 'unknown error'];
    super(`${call}: ${name}, ${text}`);
    this.name = 'SystemError';
    this.call = call;
    this.errno = number;
  }
}

/** Passes a call's result on, or throws SystemError where it is negative. */
export function check(result: number, call: string): number {
  if (result < 0) throw new SystemError(call, errno());
  return result;
}
