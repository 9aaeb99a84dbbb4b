import { NicshareError } from '../errors.js';
import { REGION_ALIGNMENT } from '../layout.js';
import { alignUp } from '../shape.js';
import * as sys from '../sys/index.js';
import type { Arena } from './arena.js';

const { libc } = sys;

/** `auto`: 2 MiB pages where the system has some free, else 4 KiB. `require`: 2 MiB or an error. `never`: 4 KiB. */
export type HugepagePolicy = 'auto' | 'require' | 'never';

/** A sealed piece of memory, mapped into the arena of the process that made it. */
export interface Region {
  /** Name for /proc and error messages. */
  readonly name: string;
  /** Where it stands in the arena. */
  readonly offset: number;
  readonly bytes: number;
  readonly pageSize: 4096 | 2097152;
  /** Read-write descriptor; the maker's own. */
  readonly fd: number;
}

/** The command that gives a machine more 2 MiB pages; part of messages. */
export const HUGEPAGE_HINT = 'sysctl -w vm.nr_hugepages=512';

function sealedMemfd(name: string, bytes: number, hugetlb: boolean): number {
  const flags = sys.MFD_CLOEXEC | sys.MFD_ALLOW_SEALING | (hugetlb ? sys.MFD_HUGETLB | sys.MFD_HUGE_2MB : 0);
  const fd = sys.check(libc.memfdCreate(name, flags), 'memfd_create');
  try {
    sys.check(libc.ftruncate(fd, bytes), 'ftruncate');
    const seals = sys.F_SEAL_SHRINK | sys.F_SEAL_GROW | sys.F_SEAL_SEAL;
    sys.check(libc.fcntl(fd, sys.F_ADD_SEALS, seals), 'fcntl(F_ADD_SEALS)');
    return fd;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

function mapped(arena: Arena, name: string, bytes: number, hugetlb: boolean): Region {
  const fd = sealedMemfd(name, bytes, hugetlb);
  try {
    const offset = arena.map(fd, bytes, 'read-write');
    return { name, offset, bytes, fd, pageSize: hugetlb ? 2097152 : 4096 };
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

const lacksHugepages = (error: unknown): boolean =>
  error instanceof sys.SystemError &&
  [sys.ENOMEM, sys.EINVAL, sys.EOPNOTSUPP, sys.ENODEV, sys.ENOENT].includes(error.errno);

function outOfMemory(name: string, bytes: number, cause: unknown): NicshareError {
  const action =
    'Free memory, lower memory.frames or memory.ringSize, or raise the memory limit of the process.';
  return new NicshareError('OutOfMemory', `No memory for the region ${name} of ${bytes} bytes.`, action, {
    cause,
  });
}

/**
 * Makes memory that its maker alone writes: sealed, in 2 MiB pages where there are some. Nobody but the maker's user
 * can open it writable, even through /proc. Throws NicshareError OutOfMemory.
 */
export function createOwnRegion(arena: Arena, name: string, bytes: number, policy: HugepagePolicy): Region {
  const length = alignUp(bytes, REGION_ALIGNMENT);
  const region = createWithPolicy(arena, name, length, policy);
  sys.check(libc.fchmod(region.fd, 0o400), 'fchmod');
  return region;
}

function createWithPolicy(arena: Arena, name: string, length: number, policy: HugepagePolicy): Region {
  if (policy !== 'never') {
    try {
      return mapped(arena, name, length, true);
    } catch (error) {
      if (!lacksHugepages(error)) throw error;
      if (policy === 'require')
        throw new NicshareError(
          'OutOfMemory',
          `No 2 MiB pages for the region ${name} of ${length} bytes.`,
          `Reserve some: ${HUGEPAGE_HINT}`,
          { cause: error },
        );
    }
  }
  return createOrdinary(arena, name, length);
}

function createOrdinary(arena: Arena, name: string, length: number): Region {
  try {
    return mapped(arena, name, length, false);
  } catch (error) {
    if (error instanceof sys.SystemError) throw outOfMemory(name, length, error);
    throw error;
  }
}

/**
 * Makes memory for a peer to write. Never in hugetlb pages: a hole that the peer punches into this kind refaults as
 * zeros, in the other kind our next touch could be a SIGBUS. Throws NicshareError OutOfMemory.
 */
export function createPeerRegion(arena: Arena, name: string, bytes: number): Region {
  return createOrdinary(arena, name, alignUp(bytes, REGION_ALIGNMENT));
}

/** A read-only descriptor of a region made by `createOwnRegion`, to pass on. The caller closes it. Throws SystemError. */
export function openReadOnly(region: Pick<Region, 'fd'>): number {
  return sys.check(libc.open(`/proc/self/fd/${region.fd}`, sys.O_RDONLY | sys.O_CLOEXEC, 0), 'open');
}

/** Unmaps a region; who still has it mapped, or its descriptor, keeps its memory and what is in it. */
export function destroyRegion(arena: Arena, region: Region): void {
  arena.release(region.offset);
  libc.close(region.fd);
}

/**
 * Frees a region's memory, whoever else holds it: reads give zeros from now on. Otherwise a peer that keeps the
 * descriptors of many ended sessions keeps memory that no budget counts.
 */
export function emptyRegion({ fd, bytes }: Region): void {
  sys.check(libc.fallocate(fd, sys.FALLOC_FL_PUNCH_HOLE | sys.FALLOC_FL_KEEP_SIZE, 0, bytes), 'fallocate');
}
