import * as shm from '@nicshare/shm/sys';
import {
  message,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  readMessages,
} from './message.js';

const { libc } = shm;
// bits/socket.h, linux/netlink.h
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const NETLINK_ROUTE = 0;
const NETLINK_GENERIC = 16;
/** More than the kernel puts into one datagram of a dump (32 KiB). */
const RECEIVE_BYTES = 65536;
const SEQUENCE = 1;

/** Sends one request to netlink of the calling thread's namespace and hands over the bodies of the answers. */
function exchange(protocol: number, what: string, type: number, flags: number, body: Uint8Array): Buffer[] {
  const fd = shm.check(libc.socket(AF_NETLINK, SOCK_RAW | shm.SOCK_CLOEXEC, protocol), 'socket(AF_NETLINK)');
  try {
    const request = message(type, flags | NLM_F_REQUEST, SEQUENCE, body);
    shm.check(Number(libc.send(fd, request, request.length, 0)), what);
    return collect(fd, what);
  } finally {
    libc.close(fd);
  }
}

/** An acknowledgement or the end of a dump ends the exchange; a negative number in it is the error (netlink(7)). */
function collect(fd: number, what: string): Buffer[] {
  const answers: Buffer[] = [];
  for (;;) {
    const bytes = Buffer.alloc(RECEIVE_BYTES);
    const length = shm.check(Number(libc.recv(fd, bytes, bytes.length, 0)), what);
    for (const answer of readMessages(bytes.subarray(0, length))) {
      if (answer.type === NLMSG_DONE) return answers;
      if (answer.type === NLMSG_ERROR) {
        const error = answer.body.readInt32LE(0);
        if (error !== 0) throw new shm.SystemError(what, -error);
        return answers;
      }
      answers.push(answer.body);
    }
  }
}

/** Asks rtnetlink for a change and waits until it is done. `what` says it in the error. Throws SystemError. */
export function change(what: string, type: number, flags: number, parts: readonly Uint8Array[]): void {
  exchange(NETLINK_ROUTE, what, type, NLM_F_ACK | flags, Buffer.concat(parts));
}

/** Asks rtnetlink for all objects of a kind; returns the bodies of the answers. Throws SystemError. */
export const dump = (what: string, type: number, body: Uint8Array): Buffer[] =>
  exchange(NETLINK_ROUTE, what, type, NLM_F_DUMP, body);

/** Asks rtnetlink for one object; returns the body of the answer. Throws SystemError. */
export const get = (what: string, type: number, body: Uint8Array): Buffer =>
  exchange(NETLINK_ROUTE, what, type, NLM_F_ACK, body)[0]!;

/** Asks a family of generic netlink; returns the body of the answer. Throws SystemError. */
export const getGeneric = (what: string, family: number, body: Uint8Array): Buffer =>
  exchange(NETLINK_GENERIC, what, family, NLM_F_ACK, body)[0]!;
