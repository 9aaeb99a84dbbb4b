import { NicshareError } from '@nicshare/shm';
import type { PciCard } from '../pci/card.js';
import * as R from './registers.js';
import { Structure } from './structure.js';

const RESET_MS = 2000;

interface Location {
  readonly bar: number;
  readonly at: number;
  readonly bytes: number;
  /** Where its capability stands in configuration space. */
  readonly capability: number;
}

/** The first structure of each type is the one that the card prefers (4.1.4). */
function locate({ config }: PciCard, type: number): Location | undefined {
  for (const { id, offset } of config.capabilities())
    if (id === R.CAPABILITY_VENDOR && config.read8(offset + R.CAP_TYPE) === type)
      return {
        bar: config.read8(offset + R.CAP_BAR),
        at: config.read32(offset + R.CAP_OFFSET),
        bytes: config.read32(offset + R.CAP_LENGTH),
        capability: offset,
      };
  return undefined;
}

/** The structures by which a card of virtio's PCI transport is driven (4.1.4), all but its queues. */
export class Transport {
  readonly common: Structure;
  /** The network device's own. */
  readonly device: Structure;
  readonly #isr: Structure;
  readonly #notify: Structure;
  readonly #notifyMultiplier: number;

  /** Throws NicshareError NotSupported, DeviceFailed. */
  constructor(card: PciCard, memory: WebAssembly.Memory) {
    const map = (type: number, least: number): Structure => {
      const found = locate(card, type);
      const bar = found && found.bar < 6 ? card.mapBar(found.bar) : undefined;
      if (!found || !bar || found.bytes < least || found.at + found.bytes > bar.bytes)
        throw new NicshareError(
          'NotSupported',
          `The card ${card.address} has no structures of virtio 1.x.`,
          'QEMU: give it disable-legacy=on.',
        );
      return new Structure(memory, bar.offset + found.at, found.bytes);
    };
    this.common = map(R.COMMON, R.COMMON_BYTES);
    this.device = map(R.DEVICE, R.STATUS + 2);
    this.#isr = map(R.ISR, 1);
    this.#notify = map(R.NOTIFY, 2);
    this.#notifyMultiplier = card.config.read32(locate(card, R.NOTIFY)!.capability + R.CAP_NOTIFY_MULTIPLIER);
  }

  get status(): number {
    return this.common.read8(R.DEVICE_STATUS);
  }

  addStatus(bits: number): void {
    this.common.write8(R.DEVICE_STATUS, this.status | bits);
  }

  /** Ends all that the card does: once it says so, it reaches no memory any more (2.4.1). Throws NicshareError DeviceFailed. */
  reset(): void {
    this.common.write8(R.DEVICE_STATUS, 0);
    const end = performance.now() + RESET_MS;
    while (this.status !== 0)
      if (performance.now() > end && this.status !== 0)
        throw new NicshareError(
          'DeviceFailed',
          `The virtio-net card does not come to the end of its reset within ${RESET_MS} ms.`,
          'Start the dispatcher again; restart the machine where that does not help.',
        );
  }

  /** Reads what takes more than one load: anew where the card changed it meanwhile (2.5.1). */
  readConsistently<T>(read: (device: Structure) => T): T {
    for (;;) {
      const generation = this.common.read8(R.CONFIG_GENERATION);
      const value = read(this.device);
      if (this.common.read8(R.CONFIG_GENERATION) === generation) return value;
    }
  }

  /** Where the selected queue's buffers are told of (4.1.4.4), as an offset in the arena. */
  notifyAddress(queueNotifyOff: number): number {
    const at = queueNotifyOff * this.#notifyMultiplier;
    if (at + 2 <= this.#notify.bytes && at % 2 === 0) return this.#notify.offset + at;
    throw new NicshareError(
      'DeviceFailed',
      'The virtio-net card wants to be told of buffers outside of its registers.',
      'Update what provides it.',
    );
  }

  /** Takes the card's line interrupt back (4.1.4.5). */
  acknowledgeInterrupt(): void {
    this.#isr.read8(0);
  }
}
