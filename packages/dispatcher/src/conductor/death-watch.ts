import { check, libc, type ReadableWatch, SYS_PIDFD_OPEN, watchReadable } from '@nicshare/shm/sys';

/**
 * Calls back once when a process has ended (pidfd_open(2)). It needs no signal and holds also where a child of the
 * process still has the control socket open. Returns undefined where the process has gone already.
 */
export function watchDeath(pid: number, died: () => void): ReadableWatch | undefined {
  let fd: number;
  try {
    fd = check(Number(libc.pidfdOpen(SYS_PIDFD_OPEN, pid, 0)), 'pidfd_open');
  } catch {
    return undefined;
  }
  let open = true;
  const watch = watchReadable(fd, () => {
    close();
    died();
  });
  const close = (): void => {
    if (!open) return;
    open = false;
    watch.close();
    libc.close(fd);
  };
  watch.unref();
  return { close, ref: () => watch.ref(), unref: () => watch.unref() };
}
