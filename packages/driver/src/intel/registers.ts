import { NicshareError } from '@nicshare/shm';
import type { Bar } from '../pci/card.js';

/** A card that was removed answers every read so. */
const ALL_ONES = 0xffffffff;

/** A card's 32-bit registers, by their byte offsets: plain loads and stores of the register's own width. */
export class Registers {
  readonly offset: number;
  readonly #cells: Uint32Array;

  constructor(memory: WebAssembly.Memory, { offset, bytes }: Bar) {
    this.offset = offset;
    this.#cells = new Uint32Array(memory.buffer, offset, bytes / 4);
  }

  read(register: number): number {
    return this.#cells[register / 4]!;
  }

  write(register: number, value: number): void {
    this.#cells[register / 4] = value;
  }

  set(register: number, bits: number): void {
    this.write(register, this.read(register) | bits);
  }

  /** Whether the card has been removed; `register` is one that is never all ones. */
  gone(register: number): boolean {
    return this.read(register) === ALL_ONES;
  }

  /** Waits until a register says so. Throws NicshareError DeviceFailed after `patienceMs`. */
  await(what: string, patienceMs: number, holds: () => boolean): void {
    const end = performance.now() + patienceMs;
    while (!holds())
      if (performance.now() > end && !holds())
        throw new NicshareError(
          'DeviceFailed',
          `The card does not come to ${what} within ${patienceMs} ms.`,
          'Start the dispatcher again; power the machine off and on where that does not help.',
        );
  }
}

/** Reads the six bytes of a Receive Address register pair. */
export function readMac(registers: Registers, low: number, high: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(registers.read(low), 0);
  bytes.writeUInt32LE(registers.read(high), 4);
  return new Uint8Array(bytes.subarray(0, 6));
}
