import { statSync } from 'node:fs';
import { dirname } from 'node:path';

/** The folder above a program that bars other users from reading it. */
export function unreadableToOthers(program: string): string | undefined {
  for (let folder = dirname(program); folder !== '/'; folder = dirname(folder))
    if ((statSync(folder).mode & 0o005) !== 0o005) return folder;
  return undefined;
}
