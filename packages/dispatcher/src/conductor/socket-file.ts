import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import {
  descriptorSocketPath,
  isFolderOurs,
  NicshareError,
  ownSocketPath,
  requireSocketPath,
} from '@nicshare/shm';

/** Who may open a dispatcher's sockets. */
export interface SocketAccess {
  /** File mode, as 0o660. */
  readonly mode: number;
  readonly group: number | undefined;
}

const unusable = (path: string, cause: unknown): NicshareError => {
  const what = `The socket ${path} cannot be made: ${(cause as Error).message}.`;
  return new NicshareError('SocketUnusable', what, 'Name another one with socket.path.', { cause });
};

/**
 * Makes room for a control socket: its folder exists, and what a dead dispatcher left is gone. Throws NicshareError
 * DispatcherRunning where somebody listens there, SocketUnusable where the folder cannot be written, or is the default and not ours alone.
 */
export async function clearSocketPath(path: string): Promise<void> {
  requireSocketPath(descriptorSocketPath(path));
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  } catch (cause) {
    throw unusable(path, cause);
  }
  if (path === ownSocketPath() && !isFolderOurs(path))
    throw unusable(path, new Error('its folder can be written by others'));
  if (!existsSync(path)) return;
  if (await somebodyListens(path))
    throw new NicshareError(
      'DispatcherRunning',
      `A dispatcher listens at ${path} already.`,
      'End that one, or name another socket with socket.path.',
    );
  removeSocket(path);
}

function somebodyListens(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false);
      else reject(unusable(path, error));
    });
  });
}

/** Removes a socket's file. Throws NicshareError SocketUnusable, also where the file is something else. */
export function removeSocket(path: string): void {
  try {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found && !found.isSocket()) throw new Error('there is a file that is no socket');
    rmSync(path, { force: true });
  } catch (cause) {
    throw unusable(path, cause);
  }
}

/** Opens a socket file, which was made for its owner alone, to whom it is meant for. */
export function grantAccess(path: string, { mode, group }: SocketAccess): void {
  try {
    if (group !== undefined) chownSync(path, process.getuid!(), group);
    chmodSync(path, mode);
  } catch (cause) {
    throw unusable(path, cause);
  }
}
