import { ENOBUFS, type ReadableWatch, SystemError, watchReadable } from '@nicshare/shm/sys';
import { type NetlinkMessage, NLM_F_DUMP, NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_ERROR } from './message.js';
import { RouteSocket } from './socket.js';

const SEQUENCE = 1;

/** Takes what one datagram holds; returns whether the dump is over. Throws SystemError. */
function takeAll(
  what: string,
  messages: Iterable<NetlinkMessage>,
  take: (body: Buffer) => void,
  interrupted: () => void,
): boolean {
  for (const { type, flags, body } of messages) {
    if (flags & NLM_F_DUMP_INTR) interrupted();
    if (type === NLMSG_ERROR) throw new SystemError(what, -body.readInt32LE(0));
    if (type !== NLMSG_DONE) {
      take(body);
      continue;
    }
    // The kernel puts an error that ended the dump early here.
    const error = body.length >= 4 ? body.readInt32LE(0) : 0;
    if (error < 0) throw new SystemError(what, -error);
    return true;
  }
  return false;
}

/**
 * Asks rtnetlink for all objects of a kind and hands the body of each to `take`, a datagram a turn of the event loop.
 * Resolves with whether the dump is whole; where it is not, the table changed meanwhile. Rejects with SystemError.
 */
export function dumpTable(
  what: string,
  type: number,
  body: Uint8Array,
  take: (body: Buffer) => void,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = new RouteSocket();
    let whole = true;
    let watch: ReadableWatch | undefined;
    const finish = (then: () => void): void => {
      watch?.close();
      socket.close();
      then();
    };
    const read = (): void => {
      try {
        const messages = socket.receive();
        if (messages === 'again') return;
        if (messages === 'overrun') throw new SystemError(what, ENOBUFS);
        const over = takeAll(what, messages, take, () => {
          whole = false;
        });
        if (over) finish(() => resolve(whole));
      } catch (error) {
        finish(() => reject(error));
      }
    };
    try {
      socket.send(what, type, NLM_F_DUMP, SEQUENCE, body);
      watch = watchReadable(socket.fd, read);
    } catch (error) {
      finish(() => reject(error));
    }
  });
}
