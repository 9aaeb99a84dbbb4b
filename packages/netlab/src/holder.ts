/*
 * A process that keeps a network namespace alive and works in it on its parent's request. It ends when the channel to
 * its parent closes, whatever ended the parent, and the namespace with all in it goes then.
 */
import { SystemError } from '@nicshare/shm/sys';
import { type Answer, type Failure, operations, READY, type Request } from './operations.js';
import { enterNewNamespace } from './own-namespace.js';

const send = (answer: Answer): void => {
  process.send!(answer);
};

function failure(error: unknown): Failure {
  if (error instanceof SystemError) return { message: error.message, call: error.call, errno: error.errno };
  return { message: error instanceof Error ? error.message : String(error) };
}

function answer(id: number, work: () => unknown): void {
  try {
    send({ id, result: work() ?? null });
  } catch (error) {
    send({ id, error: failure(error) });
  }
}

// Ctrl-C reaches the whole process group; the parent may need the namespace until its own end.
process.on('SIGINT', () => {});
process.on('SIGHUP', () => {});
process.on('disconnect', () => process.exit());
process.on('message', ({ id, operation, args }: Request) => {
  const run = operations[operation] as (...args: readonly unknown[]) => unknown;
  answer(id, () => run(...args));
});
answer(READY, () => enterNewNamespace({ ipv6: process.argv[2] === 'ipv6' }));
