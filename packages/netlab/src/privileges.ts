import { execFileSync } from 'node:child_process';

export const isRoot = (): boolean => process.geteuid?.() === 0;

const ATTEMPT = `
const libc = require('koffi').load('libc.so.6');
process.exitCode = libc.func('int unshare(int flags)')(0x40000000) === 0 ? 0 : 1;
`;

/** Whether this process may make network namespaces, tried in a child process; else the reason in words. */
export function canCreateNamespaces(): true | string {
  if (process.platform !== 'linux') return 'network namespaces exist on Linux alone';
  if (!isRoot()) return 'network namespaces need root';
  try {
    execFileSync(process.execPath, ['-e', ATTEMPT], { cwd: import.meta.dirname, stdio: 'ignore' });
    return true;
  } catch {
    return 'the kernel refuses unshare(CLONE_NEWNET), as in a container without CAP_SYS_ADMIN';
  }
}
