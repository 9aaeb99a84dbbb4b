import koffi from 'koffi';

const lib = koffi.load('libc.so.6');

/** The C library's functions for namespaces and network interfaces. */
export const libc = {
  unshare: lib.func('int unshare(int flags)'),
  ioctl: lib.func('ioctl', 'int', ['int', 'unsigned long', 'void *']),
};

// linux/sched.h, bits/socket.h, linux/sockios.h
export const CLONE_NEWNET = 0x40000000;
export const AF_INET = 2;
export const AF_PACKET = 17;
export const SOCK_RAW = 3;
export const SOCK_DGRAM = 2;
export const SIOCETHTOOL = 0x8946;
