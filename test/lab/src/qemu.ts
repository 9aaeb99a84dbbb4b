import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cached } from './cache.js';
import { suiteOptions, unpackPackage } from './packages.js';
import { requirePrograms, run } from './run.js';

/** An emulator that can be started. */
export interface Qemu {
  readonly program: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly version: string;
}

const versionOf = (program: string, environment: Readonly<Record<string, string>> = {}): string =>
  /version (\S+)/.exec(
    run('env', [...Object.entries(environment).map(([k, v]) => `${k}=${v}`), program, '--version']),
  )?.[1] ?? '';

/** The distribution's own. Throws LabUnavailable. */
export function installedQemu(): Qemu {
  requirePrograms(['qemu-system-x86_64'], 'qemu-system-x86');
  const program = 'qemu-system-x86_64';
  return { program, args: [], environment: {}, version: versionOf(program) };
}

/** One with the 82576 (from QEMU 8.0 on): the distribution's own, or that of its backports, unpacked into the cache. Throws LabUnavailable. */
export function recentQemu(): Qemu {
  const own = installedQemu();
  if (Number.parseInt(own.version, 10) >= 8) return own;
  const folder = cached(
    'qemu-backports',
    (found) => existsSync(join(found, 'usr/bin/qemu-system-x86_64')),
    (made) => {
      const options = suiteOptions('backports', join(made, 'apt'));
      for (const name of [
        'qemu-system-x86',
        'qemu-system-common',
        'qemu-system-data',
        'liburing2',
        'libfdt1',
        'libslirp0',
      ])
        unpackOptional(name, made, options);
      run('rm', ['-rf', join(made, 'apt')]);
    },
  );
  const program = join(folder, 'usr/bin/qemu-system-x86_64');
  const libraries = join(folder, 'usr/lib/x86_64-linux-gnu');
  const environment = { QEMU_MODULE_DIR: join(libraries, 'qemu'), LD_LIBRARY_PATH: libraries };
  const data = [
    join(folder, 'usr/share/qemu'),
    join(folder, 'usr/share/seabios'),
    '/usr/share/qemu',
    '/usr/share/seabios',
  ];
  return {
    program,
    args: data.flatMap((path) => ['-L', path]),
    environment,
    version: versionOf(program, environment),
  };
}

/** Libraries that the backports do not have are the installed ones. */
function unpackOptional(name: string, folder: string, options: readonly string[]): void {
  try {
    unpackPackage(name, folder, options);
  } catch (error) {
    if (name.startsWith('qemu')) throw error;
  }
}
