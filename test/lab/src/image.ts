import { createHash } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cached } from './cache.js';
import { guestKernel, type Kernel } from './kernel.js';
import { stageProject } from './project.js';
import { requirePrograms, run } from './run.js';

const INIT = fileURLToPath(new URL('../src/guest-init.sh', import.meta.url));
const FOLDERS = ['dev', 'proc', 'sys', 'tmp', 'run', 'root', 'usr/bin', 'usr/lib/x86_64-linux-gnu'];

/** What a guest boots: a kernel, and a file system in memory of which each file holds a part. */
export interface Image {
  readonly kernel: string;
  readonly initrds: readonly string[];
}

let project: string | undefined;

/** The image of a guest with this project in /nicshare as it is built now. Throws LabUnavailable. */
export function guestImage(): Image {
  requirePrograms(['busybox', 'apt-get', 'dpkg-deb', 'strip'], 'busybox-static binutils');
  const kernel = guestKernel();
  project ??= packProject();
  return { kernel: kernel.image, initrds: [baseSystem(kernel), project] };
}

/** busybox, node with its libraries, and modules: made once a kernel and Node version. */
function baseSystem(kernel: Kernel): string {
  const init = readFileSync(INIT);
  const key = createHash('sha256')
    .update(init)
    .update(kernel.version)
    .update(process.version)
    .digest('hex')
    .slice(0, 12);
  const folder = cached(
    `base-${key}`,
    (found) => existsSync(join(found, 'initrd')),
    (made) => {
      const root = join(made, 'root');
      for (const path of FOLDERS) mkdirSync(join(root, path), { recursive: true });
      // As Debian has it: /bin, /lib and /lib64 are those of /usr.
      for (const [path, to] of [
        ['bin', 'usr/bin'],
        ['lib', 'usr/lib'],
        ['lib64', 'usr/lib/x86_64-linux-gnu'],
      ] as const)
        symlinkSync(to, join(root, path));
      writeFileSync(join(root, 'init'), init, { mode: 0o755 });
      stageBusybox(root);
      stageNode(root);
      cpSync(join(kernel.modules, 'lib', 'modules'), join(root, 'usr', 'lib', 'modules'), {
        recursive: true,
      });
      pack(root, join(made, 'initrd'));
      rmSync(root, { recursive: true });
    },
  );
  return join(folder, 'initrd');
}

function stageBusybox(root: string): void {
  copyFileSync(run('sh', ['-c', 'command -v busybox']).trim(), join(root, 'bin', 'busybox'));
  for (const applet of run('busybox', ['--list']).trim().split('\n'))
    if (applet !== 'busybox') symlinkSync('busybox', join(root, 'bin', applet));
}

function stageNode(root: string): void {
  const node = realpathSync(process.execPath);
  run('strip', ['-o', join(root, 'usr/bin/node'), node]);
  for (const [library] of run('ldd', [node]).matchAll(/\/\S+/g))
    copyFileSync(library, join(root, 'usr/lib/x86_64-linux-gnu', basename(library)));
}

/** The project's part, made anew by each process: it is what changes. Removed when the process ends. */
function packProject(): string {
  const folder = mkdtempSync(join(tmpdir(), 'nicshare-lab-project-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  stageProject(join(folder, 'root', 'nicshare'));
  pack(join(folder, 'root'), join(folder, 'initrd'));
  rmSync(join(folder, 'root'), { recursive: true });
  return join(folder, 'initrd');
}

/** The part of one run: its command. */
export function packCommand(command: string, folder: string): string {
  const root = join(folder, 'root');
  mkdirSync(root, { recursive: true });
  writeFileSync(join(root, 'command'), `${command}\n`);
  pack(root, join(folder, 'command.cpio'));
  return join(folder, 'command.cpio');
}

/** The format of an initramfs (Documentation/driver-api/early-userspace/buffer-format.rst). */
function pack(root: string, file: string): void {
  run('sh', ['-c', `find . | busybox cpio -o -H newc > '${file}'`], { cwd: root });
}
