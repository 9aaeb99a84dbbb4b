import { parentPort } from 'node:worker_threads';
import * as sys from '@nicshare/shm/sys';
import { createSocketMap, loadXdpProgram } from '../bpf/calls.js';
import { CLONE_NEWNET, libc } from '../sys.js';
import { XdpAttachment } from './attachment.js';
import { xdpProgram } from './program.js';
import { newXdpSocket, setRxRing } from './socket.js';
import type { Attempt, KernelTrial } from './trial.js';

/*
 * The trial of trial.ts, in a thread of its own: unshare(2) moves the calling thread alone, and its namespace goes
 * with the thread.
 */

/** Reading a port is what asks the verifier for the most. */
const RULES = { matches: [{ protocol: 17, destinationPort: 53 }], unmatched: 'pass' } as const;
const NAME = 'nicshare_trial';
const LOOPBACK = 1;
const RING_ENTRIES = 64;

function attempt(work: () => void): Attempt {
  try {
    work();
    return { outcome: 'works' };
  } catch (error) {
    if (!(error instanceof sys.SystemError)) throw error;
    const refused = error.errno === sys.EPERM || error.errno === sys.EACCES;
    // The verifier's log is below the first line.
    const [why] = error.message.split('\n', 1);
    return { outcome: refused ? 'refused' : 'missing', why: why! };
  }
}

const open: number[] = [];
const keep = (fd: number): number => {
  open.push(fd);
  return fd;
};

function socketWithRing(): number {
  const socket = keep(newXdpSocket());
  setRxRing(socket, RING_ENTRIES);
  return socket;
}

function tryProgram(): Attempt {
  return attempt(() => {
    const socketMap = keep(createSocketMap(NAME, 1));
    keep(loadXdpProgram(NAME, xdpProgram(RULES, socketMap).instructions));
  });
}

function tryLink(): Attempt {
  const namespace = attempt(() => sys.check(libc.unshare(CLONE_NEWNET), 'unshare(CLONE_NEWNET)'));
  if (namespace.outcome !== 'works') return { outcome: 'untried', why: namespace.why! };
  return attempt(() => {
    const attachment = new XdpAttachment(LOOPBACK, 'generic', [socketWithRing()], RULES);
    try {
      attachment.replace(RULES);
    } finally {
      attachment.close();
    }
  });
}

try {
  const socket = attempt(socketWithRing);
  const program = tryProgram();
  const untried: Attempt = { outcome: 'untried', why: 'a socket or a program failed before' };
  const link = socket.outcome === 'works' && program.outcome === 'works' ? tryLink() : untried;
  parentPort!.postMessage({ socket, program, link } satisfies KernelTrial);
} finally {
  for (const fd of open) sys.libc.close(fd);
}
