import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { Command } from './command.js';

/** The compiled program of a step of the ladder. */
export const exampleFile = (name: string): string =>
  fileURLToPath(new URL(`../../../examples/dist/${name}.js`, import.meta.url));

/** What tells an example where its dispatcher is. */
export const environment = (socket: string): NodeJS.ProcessEnv => ({
  ...process.env,
  NICSHARE_SOCKET: socket,
});

/** Starts a step of the ladder as a process of its own, and waits until it is attached: until it says anything. */
export async function startExample(
  t: ExecutionContext,
  name: string,
  args: readonly string[],
  socket: string,
): Promise<Command> {
  const example = Command.startProgram(t, [exampleFile(name), ...args], { env: environment(socket) });
  await example.says('\n');
  return example;
}
