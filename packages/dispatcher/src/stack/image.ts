import { type Arena, createOwnRegion, destroyRegion, type Region, stackLayout as S } from '@nicshare/shm';

const CELL = 2;

/**
 * The snapshot as its only writer has it: changes gather in a copy of ours, which is never read back from shared
 * memory, and `publish` writes those cells alone that differ, so that readers have to wait for a moment at most.
 */
export class SnapshotImage {
  readonly region: Region;
  readonly #arena: Arena;
  readonly #cells = new Uint32Array(S.STACK_BYTES >> CELL);
  readonly #shared: Int32Array;
  readonly #changed: number[] = [];
  #generation = 0;

  /** Throws NicshareError OutOfMemory. */
  constructor(arena: Arena) {
    this.#arena = arena;
    // Ordinary pages: it is small, and 2 MiB ones are for packets.
    this.region = createOwnRegion(arena, 'nicshare-stack', S.STACK_BYTES, 'never');
    this.#shared = new Int32Array(arena.memory.buffer, this.region.offset, S.STACK_BYTES >> CELL);
    this.set(S.STACK_HEADER_VERSION, S.STACK_VERSION);
    this.set(S.STACK_HEADER_MAGIC, S.STACK_MAGIC);
  }

  get generation(): number {
    return this.#generation;
  }

  get(offset: number): number {
    return this.#cells[offset >> CELL]!;
  }

  set(offset: number, value: number): void {
    const cell = offset >> CELL;
    if (this.#cells[cell] === value >>> 0) return;
    this.#cells[cell] = value;
    this.#changed.push(cell);
  }

  setWords(offset: number, words: Uint32Array): void {
    for (let i = 0; i < words.length; i++) this.set(offset + 4 * i, words[i]!);
  }

  /** Shows readers all that was set, at once. */
  publish(): void {
    if (this.#changed.length === 0) return;
    const generation = S.GENERATION >> CELL;
    Atomics.store(this.#shared, generation, (this.#generation + 1) | 0);
    for (const cell of this.#changed) Atomics.store(this.#shared, cell, this.#cells[cell]! | 0);
    this.#generation = (this.#generation + 2) >>> 0;
    Atomics.store(this.#shared, generation, this.#generation | 0);
    this.#changed.length = 0;
  }

  /** Clients that have it mapped keep what it held. */
  destroy(): void {
    destroyRegion(this.#arena, this.region);
  }
}
