import * as C from '../intel/common.js';
import type { RingInterrupts } from '../intel/device.js';
import type { Registers } from '../intel/registers.js';
import type { PciCard } from '../pci/card.js';
import * as R from './registers.js';

/** The vector of causes other than rings', which nobody asks for. */
const OTHER = 2;

/** By VFIO a vector a ring, else the line. */
export class MessageOrLineInterrupts implements RingInterrupts {
  readonly descriptors: readonly number[];
  readonly #registers: Registers;
  readonly #card: PciCard;
  readonly #causes: number;

  constructor(registers: Registers, card: PciCard, rings: number) {
    this.#registers = registers;
    this.#card = card;
    if (card.way === 'vfio') {
      this.descriptors = card.interrupts.enable(OTHER + 1).slice(0, rings);
      this.#causes = this.#mapVectors(rings);
    } else {
      this.descriptors = card.interrupts.enable(1);
      this.#causes = C.CAUSE_RXT0 | C.CAUSE_RXDMT0;
    }
  }

  /** A vector a ring (7.4.1), whose cause is cleared as it is raised. */
  #mapVectors(rings: number): number {
    const vector = (number: number, position: number): number => (R.IVAR_VALID | number) << (4 * position);
    this.#registers.set(C.CTRL_EXT, R.CTRL_EXT_PBA_CLR | R.CTRL_EXT_EIAME);
    this.#registers.write(
      R.IVAR,
      vector(0, 0) | vector(1, 1) | vector(OTHER, 2) | vector(OTHER, 3) | vector(OTHER, 4),
    );
    let causes = 0;
    for (let ring = 0; ring < rings; ring++) causes |= R.causeRxQueue(ring);
    this.#registers.write(R.EIAC, causes);
    return causes;
  }

  arm(): void {
    this.descriptors.forEach((_, vector) => {
      this.#card.interrupts.rearm(vector);
    });
    // The line stays raised until its causes are read; with vectors they clear themselves.
    if (this.#card.way === 'uio') this.#registers.read(C.ICR);
    this.#registers.write(C.IMS, this.#causes);
  }

  disarm(): void {
    this.#registers.write(C.IMC, this.#causes);
  }
}
