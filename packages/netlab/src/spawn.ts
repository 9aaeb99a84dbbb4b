import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Namespace } from './namespace.js';

const ENTER = fileURLToPath(new URL('./enter.cjs', import.meta.url));

/**
 * The command that runs `command` inside a namespace, with the same pid, standard streams, environment and, where it
 * is started with one, IPC channel. It ends with status 127 where it cannot.
 */
export const enterCommand = (namespace: { readonly pid: number }, command: readonly string[]): string[] => [
  process.execPath,
  ENTER,
  String(namespace.pid),
  ...command,
];

/** child_process.spawn inside a namespace. Of `stdio`, the first three and an 'ipc' reach the command. */
export function spawnInside(
  namespace: Namespace,
  command: string,
  args: readonly string[] = [],
  options: SpawnOptions = {},
): ChildProcess {
  const [program, ...rest] = enterCommand(namespace, [command, ...args]);
  return spawn(program!, rest, options);
}
