import * as sys from '@nicshare/shm/sys';
import { libc, O_RDWR, TUN_DEVICE } from '../sys.js';

/** Whether this process may open /dev/net/tun; `missing`: the kernel or the container has none. */
export function tunAccess(): 'open' | 'missing' | 'closed' {
  const fd = libc.open(TUN_DEVICE, O_RDWR | sys.O_CLOEXEC);
  if (fd < 0) return [sys.EPERM, sys.EACCES].includes(sys.errno()) ? 'closed' : 'missing';
  sys.libc.close(fd);
  return 'open';
}

/** Whether there is an interface of that name in the calling thread's network namespace. */
export const interfaceExists = (name: string): boolean => libc.ifNameToIndex(name) !== 0;
