import * as shm from '@nicshare/shm/sys';
import { AF_NETLINK, NETLINK_ROUTE, SOCK_RAW } from '../sys.js';
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
/** More than the kernel puts into one datagram of a dump (32 KiB). */
const RECEIVE_BYTES = 65536;
const SEQUENCE = 1;

/** Sends one request to rtnetlink of the calling thread's namespace and hands over the bodies of the answers. */
function exchange(what: string, type: number, flags: number, body: Uint8Array): Buffer[] {
  const fd = shm.check(
    libc.socket(AF_NETLINK, SOCK_RAW | shm.SOCK_CLOEXEC, NETLINK_ROUTE),
    'socket(AF_NETLINK)',
  );
  try {
    const request = message(type, flags, SEQUENCE, body);
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

/** Asks for a change and waits until it is done. `what` says it in the error. Throws SystemError. */
export function change(what: string, type: number, flags: number, parts: readonly Uint8Array[]): void {
  exchange(what, type, NLM_F_REQUEST | NLM_F_ACK | flags, Buffer.concat(parts));
}

/** Asks for all objects of a kind; returns the bodies of the answers. Throws SystemError. */
export const dump = (what: string, type: number, body: Uint8Array): Buffer[] =>
  exchange(what, type, NLM_F_REQUEST | NLM_F_DUMP, body);
