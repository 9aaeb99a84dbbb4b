import { cpSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './run.js';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

/** Members of the workspace that run in a guest: what is built of each, and its package.json. */
const MEMBERS = {
  shm: 'packages/shm',
  driver: 'packages/driver',
  client: 'packages/client',
  dispatcher: 'packages/dispatcher',
  netlab: 'packages/netlab',
  lab: 'test/lab',
} as const;

/** Packages of the dispatcher's tree that only their install scripts use. */
const UNUSED = /copyfiles|node-gyp-build/;

/** Copies this project as it is built now, and what it needs to run, into `folder`. */
export function stageProject(folder: string): void {
  for (const [name, path] of Object.entries(MEMBERS)) {
    cpSync(join(ROOT, path, 'package.json'), join(folder, path, 'package.json'));
    for (const part of ['dist', 'bin'])
      if (existsSync(join(ROOT, path, part)))
        cpSync(join(ROOT, path, part), join(folder, path, part), { recursive: true });
    link(join(folder, 'node_modules', '@nicshare', name), join(folder, path));
  }
  for (const path of productionPackages()) cpSync(join(ROOT, path), join(folder, path), { recursive: true });
}

function link(at: string, to: string): void {
  mkdirSync(dirname(at), { recursive: true });
  symlinkSync(relative(dirname(at), to), at);
}

/** Where the packages lie that the dispatcher and the client depend on, from the root. */
function productionPackages(): string[] {
  const args = [
    'ls',
    '--omit=dev',
    '--all',
    '--parseable',
    '-w',
    '@nicshare/dispatcher',
    '-w',
    '@nicshare/client',
  ];
  return run('npm', args, { cwd: ROOT })
    .split('\n')
    .map((path) => relative(ROOT, path))
    .filter((path) => path.includes('node_modules/') && !path.includes('@nicshare/') && !UNUSED.test(path));
}
