import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where images are kept, outside of the repository: they take a few hundred MB. */
export const cacheFolder = (): string =>
  process.env.NICSHARE_LAB_CACHE ??
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'nicshare-lab');

/**
 * Makes a folder of the cache by `fill`, in a place beside it and renamed when it is whole: who is ended half way
 * leaves nothing that looks finished. `isThere` says whether it has been made before.
 */
export function cached(
  name: string,
  isThere: (folder: string) => boolean,
  fill: (folder: string) => void,
): string {
  const folder = join(cacheFolder(), name);
  if (isThere(folder)) return folder;
  const unfinished = `${folder}.${process.pid}`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  try {
    fill(unfinished);
    rmSync(folder, { recursive: true, force: true });
    renameSync(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return folder;
}
