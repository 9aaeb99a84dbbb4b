import { existsSync } from 'node:fs';
import { join } from 'node:path';

const SYSTEM_SOCKET = '/run/nicshare/default.sock';

/** The control socket that a dispatcher run by this user makes where its configuration names none. */
export function ownSocketPath(): string {
  if (process.getuid?.() === 0) return SYSTEM_SOCKET;
  return join(process.env.XDG_RUNTIME_DIR ?? '/tmp', 'nicshare', 'default.sock');
}

/** The control socket that a client takes by default: NICSHARE_SOCKET, its own user's dispatcher, then the system's. */
export function defaultSocketPath(): string {
  if (process.env.NICSHARE_SOCKET) return process.env.NICSHARE_SOCKET;
  const own = ownSocketPath();
  return existsSync(own) ? own : SYSTEM_SOCKET;
}

/** The socket beside the control socket over which descriptors are passed. */
export const descriptorSocketPath = (controlPath: string): string => `${controlPath}.fds`;
