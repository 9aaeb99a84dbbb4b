import { execFileSync, spawnSync } from 'node:child_process';
import { LabUnavailable } from './lab-error.js';

/** Runs a program and returns what it printed. Throws LabUnavailable where it is missing or fails. */
export function run(program: string, args: readonly string[], options: { cwd?: string } = {}): string {
  try {
    return execFileSync(program, args, {
      ...options,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 64 << 20,
    });
  } catch (cause) {
    const { stderr, message } = cause as { stderr?: string; message: string };
    const why = stderr?.trim().split('\n').at(-1) || message;
    throw new LabUnavailable(`${program} ${args.slice(0, 3).join(' ')}: ${why}`, { cause });
  }
}

/** Whether a program can be started at all. */
export const isInstalled = (program: string): boolean =>
  spawnSync(program, ['--help'], { stdio: 'ignore' }).error === undefined;

/** Throws LabUnavailable where one of the programs is missing; `packages` are Debian's. */
export function requirePrograms(programs: readonly string[], packages: string): void {
  const missing = programs.filter((program) => !isInstalled(program));
  if (missing.length > 0)
    throw new LabUnavailable(`${missing.join(', ')} missing: apt-get install ${packages}`);
}
