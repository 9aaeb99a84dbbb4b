import koffi from 'koffi';

/** The C library's functions that drivers need beyond those of `@nicshare/shm/sys`. */
const lib = koffi.load('libc.so.6');

export const libc = {
  open: lib.func('int open(const char *path, int flags)'),
  /** To and from addresses, as arena.base + offset. */
  read: lib.func('int64_t read(int fd, uintptr_t bytes, size_t length)'),
  write: lib.func('int64_t write(int fd, uintptr_t bytes, size_t length)'),
  unshare: lib.func('int unshare(int flags)'),
  ioctl: lib.func('int ioctl(int fd, unsigned long request, void *argument)'),
  sendto: lib.func(
    'int64_t sendto(int fd, const void *bytes, size_t length, int flags, const void *address, uint32_t addressLength)',
  ),
  recvfrom: lib.func(
    'int64_t recvfrom(int fd, void *bytes, size_t length, int flags, void *address, void *addressLength)',
  ),
  ifNameToIndex: lib.func('unsigned int if_nametoindex(const char *name)'),
  timerfdCreate: lib.func('int timerfd_create(int clock, int flags)'),
  timerfdSettime: lib.func('int timerfd_settime(int fd, int flags, const void *value, void *before)'),
  /** bpf(2): number of the call, command, attributes, their length. */
  bpf: lib.func('syscall', 'long', ['long', 'int', 'void *', 'unsigned int']),
};

export const TUN_DEVICE = '/dev/net/tun';

// asm-generic/fcntl.h
export const O_RDWR = 2;
export const O_NONBLOCK = 0o4000;
// linux/sched.h
export const CLONE_NEWNET = 0x40000000;
// bits/socket.h
export const AF_INET = 2;
export const AF_INET6 = 10;
// linux/time.h, sys/timerfd.h
export const CLOCK_MONOTONIC = 1;
export const TFD_NONBLOCK = 0o4000;
export const TFD_CLOEXEC = 0o2000000;

/** asm/unistd.h; the generic table's number where the architecture has no table of its own. */
export const SYS_BPF = process.arch === 'x64' ? 321 : 280;

// asm-generic/errno-base.h, asm-generic/errno.h
export const ENXIO = 6;
export const EEXIST = 17;
export const ERANGE = 34;
export const ENOSYS = 38;
export const EAFNOSUPPORT = 97;
export const ENETDOWN = 100;
export const ENOPROTOOPT = 92;
