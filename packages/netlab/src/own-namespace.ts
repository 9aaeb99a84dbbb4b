import { writeFileSync } from 'node:fs';
import { setLink } from '@nicshare/driver/netlink';
import * as shm from '@nicshare/shm/sys';
import { CLONE_NEWNET, libc } from './sys.js';

export interface NamespaceOptions {
  /** Without it (the default) no interface speaks IPv6: no neighbour discovery among the packets of a test. */
  readonly ipv6?: boolean;
}

/**
 * Moves the calling thread into a new network namespace in which only `lo` is, up. Other threads stay where they
 * are, so call it on the main thread before anything has opened a socket. It ends with the process. Throws SystemError.
 */
export function enterNewNamespace(options: NamespaceOptions = {}): void {
  shm.check(libc.unshare(CLONE_NEWNET), 'unshare(CLONE_NEWNET)');
  if (options.ipv6 !== true)
    for (const scope of ['all', 'default'])
      writeFileIfThere(`/proc/sys/net/ipv6/conf/${scope}/disable_ipv6`, '1');
  setLink('lo', { up: true });
}

/** A kernel without IPv6 has no such file, and nothing to switch off. */
function writeFileIfThere(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: 'r+' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
