import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  type Arena,
  alignUp,
  destroyRegion,
  HUGEPAGE_HINT,
  layout,
  NicshareError,
  type Region,
} from '@nicshare/shm';
import * as sys from '@nicshare/shm/sys';

const HUGEPAGE = layout.REGION_ALIGNMENT;
const PAGE = 4096;
/** Documentation/admin-guide/mm/pagemap.rst: bit 63 says that the page is present, bits 0 to 54 are its frame number. */
const PAGEMAP_ENTRY = 8;
const PRESENT = 1n << 63n;
const FRAME_NUMBER = (1n << 55n) - 1n;

const noPages = (bytes: number, cause: unknown): NicshareError =>
  new NicshareError(
    'OutOfMemory',
    `No 2 MiB pages for ${bytes} bytes of a card's memory; without an IOMMU it can have no others.`,
    `Reserve some: ${HUGEPAGE_HINT}`,
    { cause },
  );

/** Where files of 2 MiB pages can be made. Throws NicshareError OutOfMemory. */
function hugetlbfs(): string {
  for (const line of readFileSync('/proc/mounts', 'utf8').split('\n')) {
    const [, folder, type, options = ''] = line.split(' ');
    if (
      type === 'hugetlbfs' &&
      folder !== undefined &&
      (!/pagesize=/.test(options) || /pagesize=2M/.test(options))
    )
      return folder;
  }
  throw new NicshareError(
    'OutOfMemory',
    'No file system for 2 MiB pages is mounted.',
    'Mount it: mkdir -p /dev/hugepages && mount -t hugetlbfs nodev /dev/hugepages',
  );
}

/**
 * Memory for a card that no IOMMU holds back: files of 2 MiB pages, a folder a card, which outlive this process. A card
 * whose driver has died goes on writing into it, and nobody else may get those pages before the card is quiet.
 */
export class PhysicalMemory {
  readonly #arena: Arena;
  readonly #folder: string;
  /** Physical addresses of pages, by their address in this process. */
  readonly #pages = new Map<number, number>();
  readonly #regions: Region[] = [];
  readonly #leftovers: readonly string[];

  constructor(address: string, arena: Arena) {
    this.#arena = arena;
    this.#folder = join(hugetlbfs(), 'nicshare', address);
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    this.#leftovers = readdirSync(this.#folder);
  }

  /** Throws NicshareError OutOfMemory. */
  allocate(name: string, bytes: number): Region {
    const length = alignUp(bytes, HUGEPAGE);
    const file = this.#freshName(name);
    const fd = openSync(file, 'wx+', 0o600);
    try {
      sys.check(sys.libc.ftruncate(fd, length), 'ftruncate');
      const offset = this.#arena.map(fd, length, 'read-write');
      const region: Region = { name, offset, bytes: length, pageSize: HUGEPAGE, fd };
      this.#regions.push(region);
      this.#notePages(region);
      sys.check(sys.libc.fchmod(fd, 0o400), 'fchmod');
      return region;
    } catch (cause) {
      if (this.#regions.at(-1)?.fd === fd) destroyRegion(this.#arena, this.#regions.pop()!);
      else closeSync(fd);
      rmSync(file);
      throw cause instanceof sys.SystemError && cause.call === 'mmap' ? noPages(length, cause) : cause;
    }
  }

  iova(offset: number): number {
    const address = this.#arena.base + offset;
    const inPage = address % HUGEPAGE;
    return this.#pages.get(address - inPage)! + inPage;
  }

  /** The pages of this driver's predecessor, who may not have ended the card's work. */
  forgetPredecessor(): void {
    for (const file of this.#leftovers) rmSync(join(this.#folder, file), { force: true });
  }

  close(): void {
    for (const region of this.#regions.splice(0)) destroyRegion(this.#arena, region);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #freshName(name: string): string {
    for (let number = 0; ; number++) {
      const file = join(this.#folder, `${name}.${number}`);
      if (!existsSync(file)) return file;
    }
  }

  /** Computed once: no translation stands in a loop. */
  #notePages({ offset, bytes }: Region): void {
    const pagemap = openSync('/proc/self/pagemap', 'r');
    const entry = Buffer.alloc(PAGEMAP_ENTRY);
    try {
      const first = this.#arena.base + offset;
      for (let page = first; page < first + bytes; page += HUGEPAGE) {
        readSync(pagemap, entry, 0, PAGEMAP_ENTRY, (page / PAGE) * PAGEMAP_ENTRY);
        this.#pages.set(page, physicalAddress(entry.readBigUInt64LE()));
      }
    } finally {
      closeSync(pagemap);
    }
  }
}

function physicalAddress(entry: bigint): number {
  const frame = entry & FRAME_NUMBER;
  if ((entry & PRESENT) !== 0n && frame !== 0n) return Number(frame) * PAGE;
  throw new NicshareError(
    'NotPermitted',
    'This process may not know the physical addresses of its memory.',
    'Run as root (CAP_SYS_ADMIN), or drive the card by VFIO.',
  );
}
