import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { enterCommand, type Namespace } from '@nicshare/netlab';

export const hasIproute = ['/usr/sbin/ip', '/sbin/ip', '/usr/bin/ip'].some((path) => existsSync(path));

/** Runs `ip` in a namespace; returns what it prints. Throws where it fails. */
export function ip(namespace: Namespace, command: string): string {
  return ipBatch(namespace, [command], []);
}

/** Runs many commands at once, and goes on after those that fail; returns what they print. */
export function ipBatch(
  namespace: Namespace,
  commands: readonly string[],
  options: readonly string[] = ['-force'],
): string {
  const [program, ...args] = enterCommand(namespace, ['ip', ...options, '-batch', '-']);
  try {
    return execFileSync(program!, args, {
      input: `${commands.join('\n')}\n`,
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', options.includes('-force') ? 'ignore' : 'pipe'],
      maxBuffer: 1 << 27,
    });
  } catch (error) {
    // With -force its status says that a command failed; what the others said is in the output.
    if (options.includes('-force')) return String((error as { stdout: string }).stdout);
    throw error;
  }
}

/** What `ip -j` prints: one array a command. */
export function ipJson(namespace: Namespace, commands: readonly string[]): Record<string, unknown>[] {
  const text = ipBatch(namespace, commands, ['-force', '-json', '-details']);
  const arrays = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>[]);
  return arrays.flat();
}
