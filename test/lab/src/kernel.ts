import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cached } from './cache.js';
import { firstDependency, unpackPackage } from './packages.js';
import { run } from './run.js';

/** Modules that a guest may load. */
const MODULES = [
  'virtio_pci',
  'virtio_net',
  'e1000e',
  'igb',
  'uio_pci_generic',
  'vfio-pci',
  'vfio_iommu_type1',
  'tun',
  'veth',
];

/** A Linux kernel for guests, with a part of its modules. */
export interface Kernel {
  readonly version: string;
  /** The image that QEMU boots. */
  readonly image: string;
  /** A tree with lib/modules/VERSION. */
  readonly modules: string;
}

/** Debian's current kernel, from the cache or the archive. Throws LabUnavailable. */
export function guestKernel(): Kernel {
  const name = firstDependency('linux-image-amd64', 'linux-image-');
  const version = name.slice('linux-image-'.length);
  const image = `vmlinuz-${version}`;
  const folder = cached(
    name,
    (found) => existsSync(join(found, image)),
    (made) => {
      const whole = join(made, 'whole');
      unpackPackage(name, whole);
      cpSync(join(whole, 'boot', image), join(made, image));
      takeModules(whole, join(made, 'modules'), version);
      run('rm', ['-rf', whole]);
    },
  );
  return { version, image: join(folder, image), modules: join(folder, 'modules') };
}

/** Copies the modules wanted and those that they need, and indexes them. */
function takeModules(from: string, to: string, version: string): void {
  const tree = join('lib', 'modules', version);
  run('busybox', ['depmod', '-b', from, version]);
  const needs = readDependencies(join(from, tree, 'modules.dep'));
  const files = new Set(MODULES.flatMap((module) => needs.get(module.replaceAll('-', '_')) ?? []));
  for (const file of files) {
    mkdirSync(join(to, tree, dirname(file)), { recursive: true });
    cpSync(join(from, tree, file), join(to, tree, file));
  }
  for (const list of ['modules.builtin', 'modules.order'])
    writeFileSync(join(to, tree, list), readFileSync(join(from, tree, list)));
  run('busybox', ['depmod', '-b', to, version]);
}

/** For each module's name the files to load, itself among them (format: modules.dep(5)). */
function readDependencies(file: string): Map<string, string[]> {
  const needs = new Map<string, string[]>();
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [path, others] = line.split(':');
    if (path === undefined || others === undefined) continue;
    const name = path.slice(path.lastIndexOf('/') + 1).replace(/\.ko.*$/, '');
    needs.set(name.replaceAll('-', '_'), [path, ...others.split(' ').filter((other) => other !== '')]);
  }
  return needs;
}
