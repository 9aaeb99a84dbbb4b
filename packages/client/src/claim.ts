import { setTimeout as delay } from 'node:timers/promises';
import {
  type ClaimAnswer,
  claimAnswer,
  connectUnix,
  decode,
  descriptorSocketPath,
  encode,
  fromPlainError,
  MAX_DEVICE_REGIONS,
  NicshareError,
  prepare,
  type ReceivedMessage,
  receiveDescriptors,
  type SessionGrant,
  sendDescriptors,
} from '@nicshare/shm';
import { EAGAIN, libc, SystemError, watchReadable } from '@nicshare/shm/sys';
import type { GrantedDescriptors } from './attachment.js';

prepare(claimAnswer, { type: 'session' });

const MAX_ANSWER = 4096;
/** Regions and wake-up socket of a session itself. */
const OWN_DESCRIPTORS = 3;
const PATIENCE_MS = 5_000;

/** Resolves when the descriptor is readable; throws NicshareError Timeout. */
function answerComes(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (then: () => void): void => {
      clearTimeout(timer);
      watch.close();
      then();
    };
    const timeout = new NicshareError(
      'Timeout',
      'The dispatcher does not hand the session over.',
      'Restart it.',
    );
    const timer = setTimeout(() => finish(() => reject(timeout)), PATIENCE_MS);
    const watch = watchReadable(fd, () => finish(resolve));
  });
}

const isQueueFull = (error: unknown): boolean => error instanceof SystemError && error.errno === EAGAIN;

/** Connects, and waits its turn where others connect faster than the dispatcher takes them. */
async function dial(controlPath: string): Promise<number> {
  const path = descriptorSocketPath(controlPath);
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return connectUnix(path);
    } catch (cause) {
      if (!isQueueFull(cause) || performance.now() > deadline) throw unanswered(path, cause);
    }
    await delay(1);
  }
}

const unanswered = (path: string, cause: unknown): NicshareError =>
  new NicshareError(
    'DispatcherStopped',
    `The dispatcher's socket ${path} does not answer: ${cause instanceof Error ? cause.message : cause}.`,
    'Restart it.',
    { cause },
  );

type Grant = Exclude<ClaimAnswer, { type: 'refused' }>;

interface Claimed {
  readonly grant: SessionGrant;
  readonly descriptors: GrantedDescriptors;
}

/** The answer to a claim of a kind. Throws the refusal, or NicshareError ProtocolViolation. */
function readAnswer<T extends Grant['type']>(bytes: Uint8Array, type: T): Extract<Grant, { type: T }> {
  const grant = decode(claimAnswer, bytes);
  if (grant.type === 'refused') throw fromPlainError(grant);
  if (grant.type !== type)
    throw new NicshareError('ProtocolViolation', `The dispatcher granted a ${grant.type}.`, 'Claim anew.');
  return grant as Extract<Grant, { type: T }>;
}

const withoutDescriptors = (): NicshareError =>
  new NicshareError('ProtocolViolation', 'The grant came without its descriptors.', 'Raise ulimit -n.');

function readSession({ bytes, descriptors }: ReceivedMessage): Claimed {
  const grant = readAnswer(bytes, 'session');
  if (descriptors.length !== OWN_DESCRIPTORS + grant.regions.length) throw withoutDescriptors();
  const [dispatcherRegion, clientRegion, wake, ...regions] = descriptors as [number, number, number];
  return { grant, descriptors: { dispatcherRegion, clientRegion, wake, regions } };
}

function readStack({ bytes, descriptors }: ReceivedMessage): number {
  readAnswer(bytes, 'stack');
  if (descriptors.length !== 1) throw withoutDescriptors();
  return descriptors[0]!;
}

/** Trades a token for what it stands for. Throws the refusal, NicshareError Timeout, DispatcherStopped. */
async function trade<T>(
  controlPath: string,
  token: string,
  read: (answer: ReceivedMessage) => T,
): Promise<T> {
  const fd = await dial(controlPath);
  try {
    sendDescriptors(fd, encode({ type: 'claim', token }), []);
    await answerComes(fd);
    const received = receiveDescriptors(fd, MAX_ANSWER, OWN_DESCRIPTORS + MAX_DEVICE_REGIONS);
    if (typeof received === 'string')
      throw new NicshareError('DispatcherStopped', 'The dispatcher hung up.', 'Attach again.');
    try {
      return read(received);
    } catch (error) {
      for (const descriptor of received.descriptors) libc.close(descriptor);
      throw error;
    }
  } finally {
    libc.close(fd);
  }
}

/** Claims a session and its descriptors. Throws the refusal, NicshareError Timeout, DispatcherStopped. */
export const claimSession = (controlPath: string, token: string): Promise<Claimed> =>
  trade(controlPath, token, readSession);

/** Claims the stack snapshot: its descriptor. Throws the refusal, NicshareError Timeout, DispatcherStopped. */
export const claimStack = (controlPath: string, token: string): Promise<number> =>
  trade(controlPath, token, readStack);
