import { isDeepStrictEqual } from 'node:util';
import { ceilPowerOfTwo, layout, type QueueMode, type SessionShape, sessionShape } from '@nicshare/shm';
import { groupId, userId } from './accounts.js';
import type { DispatcherConfig, QueueConfig } from './schema.js';

const DEFAULT_CREDIT = 1024;

/** Frames of the device that a queue's client may hold; 0 in mode `isolated`. */
export const creditOf = ({ mode, credit = DEFAULT_CREDIT }: QueueConfig): number =>
  mode === 'shared' ? credit : 0;

/**
 * Frames that each hardware ring needs beyond its own, so that all clients of mode `shared` may keep as many as they
 * are allowed and no ring runs dry; 0 where no queue is in that mode.
 */
export const spareFrames = ({ queues }: DispatcherConfig): number =>
  queues.reduce((sum, queue) => sum + creditOf(queue), 0);

/** The sizes of the sessions of each mode. Throws RangeError where they are no power of two within their limits. */
export function sessionShapes({
  memory,
  queues,
}: DispatcherConfig): Readonly<Record<QueueMode, SessionShape>> {
  const { ringSize, frameSize, frames } = memory;
  const sizes = { ringSize, frameSize, txFrames: ringSize };
  const fillSize = ceilPowerOfTwo(Math.max(layout.MIN_RING_SIZE, ...queues.map(creditOf)));
  return {
    isolated: sessionShape({ ...sizes, mode: 'isolated', rxFrames: frames }),
    shared: sessionShape({ ...sizes, mode: 'shared', rxFrames: fillSize }),
  };
}

const ids = (names: readonly (string | number)[], idOf: (name: string | number) => number): number[] =>
  [...new Set(names.map(idOf))].sort((a, b) => a - b);

const allowed = ({ allow }: QueueConfig): object | undefined =>
  allow && { users: ids(allow.users, userId), groups: ids(allow.groups, groupId) };

const named = (queues: readonly QueueConfig[]): string => queues.map(({ name }) => `'${name}'`).join(', ');

/**
 * What an operator has to know where clients of shared queues can read what is not meant for them; undefined where all
 * queues of the device are for the same group.
 */
export function sharingNote({ queues }: DispatcherConfig): string | undefined {
  const shared = queues.filter(({ mode }) => mode === 'shared');
  const first = shared[0];
  if (!first) return undefined;
  const isOneGroup = queues.every(
    (queue) => queue.mode === 'shared' && isDeepStrictEqual(allowed(queue), allowed(first)),
  );
  if (isOneGroup) return undefined;
  return (
    `Whoever attaches to a queue in mode shared (${named(shared)}) can read all packets that the device's rings hold, ` +
    'those for other queues and those that are sent included, and keeps that ability until the dispatcher ends: the ' +
    'mapping cannot be taken back. Set mode: isolated where that is not meant.'
  );
}
