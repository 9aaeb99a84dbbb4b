import { type Arena, NicshareError } from '@nicshare/shm';
import type { Bar } from './card.js';

/** A range of a file that a card's registers are. */
export interface BarSource {
  readonly fd: number;
  readonly at: number;
  readonly bytes: number;
  /** To be called once it is mapped. */
  readonly done?: () => void;
}

export const noBar = (address: string, index: number): NicshareError =>
  new NicshareError(
    'DeviceFailed',
    `The card ${address} has no base address register ${index}.`,
    'Name another driver with device.driver.',
  );

/** Maps register ranges into the arena, each once, and unmaps them all. */
export class Bars {
  readonly #arena: Arena;
  readonly #open: (index: number) => BarSource;
  readonly #mapped = new Map<number, Bar>();

  constructor(arena: Arena, open: (index: number) => BarSource) {
    this.#arena = arena;
    this.#open = open;
  }

  map(index: number): Bar {
    const known = this.#mapped.get(index);
    if (known) return known;
    const { fd, at, bytes, done } = this.#open(index);
    try {
      const bar = { offset: this.#arena.map(fd, bytes, 'read-write', at), bytes };
      this.#mapped.set(index, bar);
      return bar;
    } finally {
      done?.();
    }
  }

  close(): void {
    for (const { offset } of this.#mapped.values()) this.#arena.release(offset);
    this.#mapped.clear();
  }
}
