import * as C from '../intel/common.js';
import type { RingInterrupts } from '../intel/device.js';
import type { Registers } from '../intel/registers.js';
import type { PciCard } from '../pci/card.js';
import * as R from './registers.js';

/** Rings that share an IVAR register: n and n + 8. */
const IVAR_REGISTERS = 8;

/** By VFIO a vector for each ring, as long as there are enough; the rings beyond share them. */
export class VectorInterrupts implements RingInterrupts {
  readonly descriptors: readonly number[];
  readonly #registers: Registers;
  readonly #card: PciCard;
  readonly #vectors: number;

  constructor(registers: Registers, card: PciCard, rings: number) {
    this.#registers = registers;
    this.#card = card;
    const count = Math.min(rings, card.interrupts.count);
    this.descriptors = card.interrupts.enable(count);
    this.#vectors = (1 << count) - 1;
    this.#mapRings(rings, count);
  }

  #mapRings(rings: number, vectors: number): void {
    const registers = this.#registers;
    registers.write(R.GPIE, R.GPIE_NSICR | R.GPIE_MULTIPLE_MSIX | R.GPIE_EIAME | R.GPIE_PBA);
    for (let register = 0; register < IVAR_REGISTERS; register++) {
      const entry = (ring: number): number => (ring < rings ? R.IVAR_VALID | (ring % vectors) : 0);
      const value = entry(register) | (entry(register + IVAR_REGISTERS) << 16);
      registers.write(R.IVAR + 4 * register, value);
    }
    registers.write(R.EIAC, this.#vectors);
    registers.write(R.EIAM, this.#vectors);
  }

  arm(): void {
    this.descriptors.forEach((_, vector) => {
      this.#card.interrupts.rearm(vector);
    });
    // Causes of packets that were polled meanwhile would raise an interrupt at once.
    this.#registers.write(R.EICR, this.#vectors);
    this.#registers.write(R.EIMS, this.#vectors);
  }

  disarm(): void {
    this.#registers.write(R.EIMC, this.#vectors);
  }
}

/** By UIO the one line; by sysfs none. */
export class LineInterrupts implements RingInterrupts {
  readonly descriptors: readonly number[];
  readonly #registers: Registers;
  readonly #card: PciCard;

  constructor(registers: Registers, card: PciCard) {
    this.#registers = registers;
    this.#card = card;
    this.descriptors = card.interrupts.enable(1);
  }

  arm(): void {
    this.descriptors.forEach((_, vector) => {
      this.#card.interrupts.rearm(vector);
    });
    // The line stays raised until its causes are read.
    this.#registers.read(C.ICR);
    this.#registers.write(C.IMS, C.CAUSE_RXT0 | C.CAUSE_RXDMT0);
  }

  disarm(): void {
    this.#registers.write(C.IMC, C.CAUSE_RXT0 | C.CAUSE_RXDMT0);
  }
}
