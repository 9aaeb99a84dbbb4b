import { NicshareError } from '../errors.js';
import * as sys from '../sys/index.js';

const { libc } = sys;
/** sockaddr_un.sun_path, its terminating zero included (unix(7)). */
const MAX_PATH = 108;

/** Throws NicshareError SocketUnusable where a path does not fit a socket's address; libuv would cut it silently. */
export function requireSocketPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes > 0 && bytes < MAX_PATH) return;
  throw new NicshareError(
    'SocketUnusable',
    `The socket path '${path}' has ${bytes} bytes; a unix socket takes 1 to ${MAX_PATH - 1}.`,
    'Choose a shorter path.',
  );
}

function unixAddress(path: string): Buffer {
  requireSocketPath(path);
  const bytes = Buffer.byteLength(path);
  const address = Buffer.alloc(2 + MAX_PATH);
  address.writeUInt16LE(sys.AF_UNIX, 0);
  address.write(path, 2);
  return address.subarray(0, 2 + bytes + 1);
}

const newSocket = (): number =>
  sys.check(
    libc.socket(sys.AF_UNIX, sys.SOCK_SEQPACKET | sys.SOCK_CLOEXEC | sys.SOCK_NONBLOCK, 0),
    'socket(AF_UNIX)',
  );

/** A listening SOCK_SEQPACKET unix socket, not blocking. The path must not exist. Throws SystemError. */
export function listenUnix(path: string): number {
  const address = unixAddress(path);
  const fd = newSocket();
  const before = libc.umask(0o177);
  try {
    sys.check(libc.bind(fd, address, address.length), `bind(${path})`);
    sys.check(libc.listen(fd, 128), `listen(${path})`);
    return fd;
  } catch (error) {
    libc.close(fd);
    throw error;
  } finally {
    libc.umask(before);
  }
}

/** Takes a waiting connection, or returns undefined where there is none. Throws SystemError. */
export function acceptUnix(listener: number): number | undefined {
  const fd = libc.accept4(listener, null, null, sys.SOCK_CLOEXEC | sys.SOCK_NONBLOCK);
  if (fd >= 0) return fd;
  if (sys.errno() === sys.EAGAIN) return undefined;
  throw new sys.SystemError('accept4', sys.errno());
}

/** Connects to a listening SOCK_SEQPACKET unix socket. Throws SystemError. */
export function connectUnix(path: string): number {
  const address = unixAddress(path);
  const fd = newSocket();
  if (libc.connect(fd, address, address.length) === 0) return fd;
  const error = new sys.SystemError(`connect(${path})`, sys.errno());
  libc.close(fd);
  throw error;
}

/**
 * Has the kernel refuse descriptors that others send to this socket, or to those that it accepts (SO_PASSRIGHTS, Linux
 * 6.16). An unwanted one is closed in the thread that receives it, and that may take hours: a TCP socket with
 * SO_LINGER, a file of a FUSE server that does not answer. Returns false where the kernel cannot refuse them.
 */
export function refuseDescriptors(fd: number): boolean {
  return libc.setsockopt(fd, sys.SOL_SOCKET, sys.SO_PASSRIGHTS, Buffer.alloc(4), 4) === 0;
}

/** Who is at the other end, as the kernel noted it at connect(2). */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** SO_PEERCRED (unix(7)). Throws SystemError. */
export function peerCredentials(fd: number): PeerCredentials {
  const ucred = Buffer.alloc(12);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(ucred.length);
  sys.check(libc.getsockopt(fd, sys.SOL_SOCKET, sys.SO_PEERCRED, ucred, length), 'getsockopt(SO_PEERCRED)');
  return { pid: ucred.readInt32LE(0), uid: ucred.readUInt32LE(4), gid: ucred.readUInt32LE(8) };
}

/** The peer's groups, its primary one first: SO_PEERGROUPS (unix(7), Linux 4.13). Throws SystemError. */
export function peerGroups(fd: number): number[] {
  const { gid } = peerCredentials(fd);
  const groups = Buffer.alloc(1024 * 4);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(groups.length);
  sys.check(
    libc.getsockopt(fd, sys.SOL_SOCKET, sys.SO_PEERGROUPS, groups, length),
    'getsockopt(SO_PEERGROUPS)',
  );
  const count = length.readUInt32LE(0) / 4;
  return [gid, ...Array.from({ length: count }, (_, index) => groups.readUInt32LE(index * 4))];
}
