import koffi from 'koffi';

/** The C library's functions that cards need beyond those of the driver's own sys.ts. */
const lib = koffi.load('libc.so.6');

export const libc = {
  /** ioctl(2) with a number, not a pointer. */
  ioctlValue: lib.func('ioctl', 'int', ['int', 'unsigned long', 'long']),
  eventfd: lib.func('int eventfd(unsigned int value, int flags)'),
};

// sys/eventfd.h
export const EFD_NONBLOCK = 0o4000;
export const EFD_CLOEXEC = 0o2000000;
