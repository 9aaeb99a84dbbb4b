import * as shm from '@nicshare/shm/sys';
import { message, type NetlinkMessage, NLM_F_REQUEST, readMessages } from './message.js';

const { libc } = shm;
// bits/socket.h, linux/netlink.h, asm-generic/socket.h
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const NETLINK_ROUTE = 0;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;
/** More than the kernel puts into one datagram (32 KiB). */
const RECEIVE_BYTES = 65536;

/** A socket of rtnetlink in the calling thread's namespace that never blocks. */
export class RouteSocket {
  readonly fd: number;
  readonly #bytes = Buffer.alloc(RECEIVE_BYTES);

  /** `groups`: what it is told of, bits of GROUPS. Throws SystemError. */
  constructor(groups = 0) {
    const flags = SOCK_RAW | shm.SOCK_CLOEXEC | shm.SOCK_NONBLOCK;
    this.fd = shm.check(libc.socket(AF_NETLINK, flags, NETLINK_ROUTE), 'socket(AF_NETLINK)');
    // struct sockaddr_nl: family, padding, port (the kernel's choice), groups.
    const address = Buffer.alloc(12);
    address.writeUInt16LE(AF_NETLINK, 0);
    address.writeUInt32LE(groups, 8);
    try {
      shm.check(libc.bind(this.fd, address, address.length), 'bind(AF_NETLINK)');
    } catch (error) {
      libc.close(this.fd);
      throw error;
    }
  }

  /** Asks for room for so many bytes of messages that nobody has read yet: beyond the system's limit with CAP_NET_ADMIN. */
  setReceiveBuffer(bytes: number): void {
    const value = Buffer.alloc(4);
    value.writeUInt32LE(bytes);
    if (libc.setsockopt(this.fd, shm.SOL_SOCKET, SO_RCVBUFFORCE, value, 4) < 0)
      shm.check(libc.setsockopt(this.fd, shm.SOL_SOCKET, SO_RCVBUF, value, 4), 'setsockopt(SO_RCVBUF)');
  }

  /** Throws SystemError. */
  send(what: string, type: number, flags: number, sequence: number, body: Uint8Array): void {
    const request = message(type, flags | NLM_F_REQUEST, sequence, body);
    shm.check(Number(libc.send(this.fd, request, request.length, 0)), what);
  }

  /**
   * The messages of one datagram, good until the next call. `again`: none has come yet. `overrun`: the kernel had no
   * room for some and has thrown them away (netlink(7), ENOBUFS). Throws SystemError.
   */
  receive(): Iterable<NetlinkMessage> | 'again' | 'overrun' {
    const length = Number(libc.recv(this.fd, this.#bytes, this.#bytes.length, 0));
    if (length >= 0) return readMessages(this.#bytes.subarray(0, length));
    const errno = shm.errno();
    if (errno === shm.EAGAIN || errno === shm.EINTR) return 'again';
    if (errno === shm.ENOBUFS) return 'overrun';
    throw new shm.SystemError('recv(AF_NETLINK)', errno);
  }

  close(): void {
    libc.close(this.fd);
  }
}
