import { NicshareError } from '../errors.js';
import { REGION_ALIGNMENT } from '../layout.js';
import { alignUp } from '../shape.js';
import * as sys from '../sys/index.js';

const WASM_PAGE = 65536;
const GAP = REGION_ALIGNMENT;
/** Set aside at the start of every arena for the tables that WebAssembly modules find at fixed offsets. */
const TABLES_END = 1 << 20;
const { libc } = sys;

/** A region of a window: `at` is where it begins, from the window's start; both are multiples of 2 MiB. */
export interface WindowPart {
  readonly at: number;
  readonly bytes: number;
}

/** Bytes from a window's start to the end of its last part. */
export const windowBytes = (parts: readonly WindowPart[]): number =>
  parts.reduce((end, { at, bytes }) => Math.max(end, at + bytes), 0);

interface Extent {
  start: number;
  end: number;
}

/** A range of the arena that may be handed out; several allocators can divide one arena among threads. */
export interface ArenaRange {
  readonly start: number;
  readonly end: number;
}

/**
 * One WebAssembly.Memory of fixed size into which everything that a data plane touches is mapped, each thing named
 * by a u32 offset. The memory never moves. Ranges are multiples of 2 MiB, stand 2 MiB aligned in the address space,
 * and are parted by gaps that nobody can touch. Untouched arena costs address space alone.
 */
export class Arena {
  readonly memory: WebAssembly.Memory;
  /** Address of offset 0. */
  readonly base: number;
  readonly #free: Extent[];
  readonly #taken = new Map<number, number>();

  private constructor(memory: WebAssembly.Memory, range?: ArenaRange) {
    this.memory = memory;
    this.base = sys.addressOf(new Uint8Array(memory.buffer));
    const start = Math.max(range?.start ?? 0, TABLES_END);
    const first = alignUp(this.base + start, REGION_ALIGNMENT) - this.base;
    this.#free = [
      { start: first, end: Math.min(range?.end ?? memory.buffer.byteLength, memory.buffer.byteLength) },
    ];
  }

  /** Makes a memory of at least `bytes` usable bytes. `shared` lets worker threads see it. At most 4 GiB. */
  static create(bytes: number, options: { shared: boolean }): Arena {
    // The base is only 64 KiB aligned, so the first aligned offset may lie almost 2 MiB in.
    const pages = Math.ceil((bytes + TABLES_END + 2 * REGION_ALIGNMENT) / WASM_PAGE);
    if (pages > 65536)
      throw new NicshareError(
        'OutOfMemory',
        `An arena of ${bytes} bytes is larger than 4 GiB.`,
        'Lower memory.budget.',
      );
    try {
      return new Arena(new WebAssembly.Memory({ initial: pages, maximum: pages, shared: options.shared }));
    } catch (cause) {
      throw new NicshareError(
        'OutOfMemory',
        `The address space has no room for an arena of ${bytes} bytes.`,
        'Lower memory.budget, or raise the limit of address space (ulimit -v).',
        { cause },
      );
    }
  }

  /** Hands out `range` of a memory that another thread made. */
  static adopt(memory: WebAssembly.Memory, range: ArenaRange): Arena {
    return new Arena(memory, range);
  }

  /** Zeroed private memory. Returns its offset. Throws NicshareError OutOfMemory. */
  allocate(bytes: number): number {
    const flags = sys.MAP_PRIVATE | sys.MAP_ANONYMOUS | sys.MAP_NORESERVE;
    return this.#place(bytes, (at, length) => this.#overlay(at, length, flags, -1, 0));
  }

  /**
   * Maps `bytes` of a file and no more (a socket's ring refuses to be mapped beyond its end), all pages present at
   * once. Throws NicshareError OutOfMemory, or SystemError by mmap.
   */
  map(fd: number, bytes: number, access: 'read' | 'read-write', fileOffset = 0): number {
    const flags = sys.MAP_SHARED | sys.MAP_POPULATE;
    const protection = access === 'read' ? sys.PROT_READ : sys.PROT_READ | sys.PROT_WRITE;
    return this.#place(bytes, (at) => this.#overlay(at, bytes, flags, fd, fileOffset, protection));
  }

  /**
   * Maps regions read-only, each at its distance from the returned offset; what is between them reads as zeros.
   * Throws NicshareError OutOfMemory, or SystemError by mmap.
   */
  mapWindow(parts: readonly (WindowPart & { readonly fd: number })[]): number {
    return this.#place(windowBytes(parts), (start, length) => {
      this.#clear(start, length);
      for (const { at, bytes, fd } of parts)
        this.#overlay(start + at, bytes, sys.MAP_SHARED | sys.MAP_POPULATE, fd, 0, sys.PROT_READ);
    });
  }

  /**
   * Gives a range back. What was mapped there reads as zeros from now on: a hole in a WebAssembly.Memory would end
   * the process at the next touch.
   */
  release(offset: number): void {
    const length = this.#taken.get(offset);
    if (length === undefined) throw new RangeError(`The arena handed out nothing at ${offset}`);
    this.#taken.delete(offset);
    this.#clear(offset, length + GAP);
    this.#giveBack({ start: offset, end: offset + length + GAP });
  }

  /** Bytes that are handed out, gaps not counted. */
  get used(): number {
    let sum = 0;
    for (const length of this.#taken.values()) sum += length;
    return sum;
  }

  #place(bytes: number, fill: (offset: number, length: number) => void): number {
    const length = alignUp(Math.max(bytes, 1), REGION_ALIGNMENT);
    const index = this.#free.findIndex((extent) => extent.end - extent.start >= length + GAP);
    if (index < 0)
      throw new NicshareError(
        'OutOfMemory',
        `The arena has no ${length} bytes left in one piece.`,
        'Raise memory.budget, lower device.rings, or detach other clients.',
      );
    const extent = this.#free[index]!;
    const offset = extent.start;
    try {
      fill(offset, length);
      this.#overlay(
        offset + length,
        GAP,
        sys.MAP_PRIVATE | sys.MAP_ANONYMOUS | sys.MAP_NORESERVE,
        -1,
        0,
        sys.PROT_NONE,
      );
    } catch (error) {
      this.#clear(offset, length);
      throw error;
    }
    extent.start += length + GAP;
    if (extent.start === extent.end) this.#free.splice(index, 1);
    this.#taken.set(offset, length);
    return offset;
  }

  #overlay(
    offset: number,
    length: number,
    flags: number,
    fd: number,
    fileOffset: number,
    protection = sys.PROT_READ | sys.PROT_WRITE,
  ): void {
    sys.check(
      libc.mmap(this.base + offset, length, protection, flags | sys.MAP_FIXED, fd, fileOffset),
      'mmap',
    );
  }

  #clear(offset: number, length: number): void {
    this.#overlay(offset, length, sys.MAP_PRIVATE | sys.MAP_ANONYMOUS | sys.MAP_NORESERVE, -1, 0);
  }

  #giveBack(extent: Extent): void {
    this.#free.push(extent);
    this.#free.sort((a, b) => a.start - b.start);
    for (let i = this.#free.length - 1; i > 0; i--) {
      const before = this.#free[i - 1]!;
      if (before.end !== this.#free[i]!.start) continue;
      before.end = this.#free[i]!.end;
      this.#free.splice(i, 1);
    }
  }
}
