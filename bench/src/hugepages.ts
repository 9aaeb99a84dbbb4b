import { readFileSync, writeFileSync } from 'node:fs';

const RESERVED = '/proc/sys/vm/nr_hugepages';
const FREE = /^HugePages_Free:\s+(\d+)/m;
/** The null device's pool takes 64 pages of 2 MiB, a session's region 17; both sides never run at the same time. */
const NEEDED = 192;

const reserved = (): number => Number(readFileSync(RESERVED, 'utf8'));
const free = (): number => Number(FREE.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0);

/** Which pages both sides take, and how to leave the machine as it was. */
export interface Hugepages {
  readonly pages: 'huge' | 'small';
  restore(): void;
}

/**
 * Reserves 2 MiB pages where too few are free and we may. `restore` takes the number back to what it was, unless
 * somebody else has changed it meanwhile.
 */
export function reserveHugepages(): Hugepages {
  const before = reserved();
  const missing = NEEDED - free();
  if (missing <= 0 || process.getuid?.() !== 0)
    return { pages: missing <= 0 ? 'huge' : 'small', restore: () => {} };
  writeFileSync(RESERVED, String(before + missing));
  const raised = reserved();
  return {
    pages: free() >= NEEDED ? 'huge' : 'small',
    restore: () => {
      if (reserved() === raised) writeFileSync(RESERVED, String(before));
    },
  };
}
