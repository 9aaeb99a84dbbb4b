import { existsSync, lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';

const SYSTEM_SOCKET = '/run/nicshare/default.sock';

/** The control socket that a dispatcher run by this user makes where its configuration names none. */
export function ownSocketPath(): string {
  const uid = process.getuid?.() ?? 0;
  if (uid === 0) return SYSTEM_SOCKET;
  const runtime = process.env.XDG_RUNTIME_DIR;
  return join(runtime ? join(runtime, 'nicshare') : `/tmp/nicshare-${uid}`, 'default.sock');
}

/**
 * Whether nobody but this user and root can put a socket into the folder of a path. Anybody can make a folder in /tmp,
 * and a socket there that passes for a dispatcher's.
 */
export function isFolderOurs(path: string): boolean {
  const folder = lstatSync(dirname(path), { throwIfNoEntry: false });
  return folder?.isDirectory() === true && folder.uid === process.getuid?.() && (folder.mode & 0o022) === 0;
}

/** The control socket that a client takes by default: NICSHARE_SOCKET, its own user's dispatcher, then the system's. */
export function defaultSocketPath(): string {
  if (process.env.NICSHARE_SOCKET) return process.env.NICSHARE_SOCKET;
  const own = ownSocketPath();
  return existsSync(own) && isFolderOurs(own) ? own : SYSTEM_SOCKET;
}

/** The socket beside the control socket over which descriptors are passed. */
export const descriptorSocketPath = (controlPath: string): string => `${controlPath}.fds`;
