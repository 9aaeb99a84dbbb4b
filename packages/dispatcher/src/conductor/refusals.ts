import { NicshareError } from '@nicshare/shm';
import * as T from '../dataplane/tables.js';

/* The sentences with which a client is refused or a session is ended. */

export const noSuchQueue = (name: string, known: readonly string[]): NicshareError =>
  new NicshareError(
    'NoSuchQueue',
    `There is no queue named '${name}'.`,
    `Attach to one of: ${known.join(', ')}.`,
  );

export const queueBusy = (name: string, pid: number | undefined): NicshareError =>
  new NicshareError(
    'QueueBusy',
    `The queue '${name}' is taken${pid === undefined ? '' : ` by process ${pid}`}.`,
    'A queue serves one client at a time: attach to another queue or end that client.',
  );

export const notAllowed = (name: string, uid: number): NicshareError =>
  new NicshareError(
    'NotAllowed',
    `User ${uid} may not attach to the queue '${name}'.`,
    "Add the user or one of its groups to the queue's 'allow' in the dispatcher's configuration.",
  );

export const mayNotTap = (uid: number): NicshareError =>
  new NicshareError(
    'NotAllowed',
    `User ${uid} may not tap packets: a tap shows what others receive and send.`,
    "Run it as root or as the dispatcher's user, or add the user to capture.allow in the dispatcher's configuration.",
  );

export const tooManyTaps = (pids: readonly (number | undefined)[]): NicshareError =>
  new NicshareError(
    'TooManyTaps',
    `All ${T.MAX_TAPS} taps of this dispatcher are taken (by the processes ${pids.join(', ')}).`,
    'End one of them.',
  );

export const tooManySessions = (): NicshareError =>
  new NicshareError('OutOfMemory', `${T.MAX_SESSIONS} clients are attached already.`, 'Detach one of them.');

export const overBudget = (wanted: number, left: number): NicshareError =>
  new NicshareError(
    'OutOfMemory',
    `The session needs ${wanted} bytes; ${left} are left of the dispatcher's budget.`,
    'Raise memory.budget, lower memory.frames, or detach other clients.',
  );

export const tooManyConnections = (uid: number, open: number): NicshareError =>
  new NicshareError(
    'NotAllowed',
    `User ${uid} has ${open} connections to this dispatcher already.`,
    'Close some: one connection serves any number of queues.',
  );

export const tooManyRequests = (): NicshareError =>
  new NicshareError(
    'ProtocolViolation',
    'This connection has asked for many queues and claimed none.',
    'Claim each session on the descriptor socket, or wait a few seconds.',
  );

export const unknownToken = (): NicshareError =>
  new NicshareError(
    'ProtocolViolation',
    'The token is unknown, used or expired.',
    'Ask for the queue again.',
  );

export const unknownSession = (id: number): NicshareError =>
  new NicshareError(
    'ProtocolViolation',
    `This connection has no session ${id}.`,
    'Detach each session once.',
  );

export const versionMismatch = (theirs: number, ours: number): NicshareError =>
  new NicshareError(
    'VersionMismatch',
    `The client speaks version ${theirs} of the protocol, the dispatcher version ${ours}.`,
    'Install the same version of @nicshare/client and @nicshare/dispatcher.',
  );

export const outOfOrder = (what: string): NicshareError =>
  new NicshareError('ProtocolViolation', `Unexpected message: ${what}.`, 'Send hello once, first.');

export const dispatcherStopped = (): NicshareError =>
  new NicshareError('DispatcherStopped', 'The dispatcher has stopped.', 'Start it again, then attach again.');

const VIOLATIONS: Readonly<Record<number, string>> = {
  [T.VIOLATION_RX_CONSUMER]: "the rxRing's consumer cursor left the ring",
  [T.VIOLATION_FILL_PRODUCER]: "the fillRing's producer cursor left the ring",
  [T.VIOLATION_FILL_ENTRY]: 'the fillRing named no frame of the region',
  [T.VIOLATION_FRAME_NOT_HELD]: 'the fillRing named a frame that the client did not hold',
  [T.VIOLATION_TX_PRODUCER]: "the txRing's producer cursor left the ring",
  [T.VIOLATION_TX_DESCRIPTOR]: 'a txRing descriptor left its frame or the region',
  [T.VIOLATION_COMPLETION_CONSUMER]: "the completionRing's consumer cursor left the ring",
};

export const ringViolation = (violation: number): NicshareError =>
  new NicshareError(
    'RingViolation',
    `The session was ended: ${VIOLATIONS[violation] ?? `violation ${violation}`}.`,
    'Use the client package alone to write to shared memory, and return each frame once.',
  );
