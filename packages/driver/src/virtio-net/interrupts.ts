import type { DriverModule } from '../module.js';
import type { PciCard } from '../pci/card.js';
import type { Transport } from './transport.js';

/** Interrupts of the RX queues: raised while the dataplane sleeps, not wanted while it polls. */
export class QueueInterrupts {
  readonly descriptors: readonly number[];
  readonly #card: PciCard;
  readonly #transport: Transport;

  constructor(card: PciCard, transport: Transport, rings: number) {
    this.#card = card;
    this.#transport = transport;
    this.descriptors = card.interrupts.enable(Math.min(rings, card.interrupts.count));
  }

  /** Which vector an RX queue has: rings share where the card has fewer. */
  vectorOf(ring: number): number | undefined {
    return this.#card.way === 'vfio' && this.descriptors.length > 0
      ? ring % this.descriptors.length
      : undefined;
  }

  /** From now on a packet that comes makes a descriptor readable. Returns false where some wait already. */
  arm(module: DriverModule, rings: number): boolean {
    // The line stays raised until it is taken back; with vectors it never is.
    if (this.#card.way === 'uio') this.#transport.acknowledgeInterrupt();
    this.descriptors.forEach((_, vector) => {
      this.#card.interrupts.rearm(vector);
    });
    let waiting = 0;
    for (let ring = 0; ring < rings; ring++) waiting += module.virtioRxInterrupts(ring, 1);
    return waiting === 0;
  }

  disarm(module: DriverModule, rings: number): void {
    for (let ring = 0; ring < rings; ring++) module.virtioRxInterrupts(ring, 0);
  }
}
