import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { NicshareError, type Region } from '@nicshare/shm';
import { O_NONBLOCK, O_RDWR } from '../sys.js';
import { type BarSource, Bars, noBar } from './bars.js';
import { hasDriver, takeFromKernel, uioDevice } from './binding.js';
import type { Bar, Interrupts, PciCard, PciContext } from './card.js';
import { ConfigSpace } from './config-space.js';
import { type PciFunction, readFunction } from './functions.js';
import { PhysicalMemory } from './physical-memory.js';

const UIO_DRIVER = 'uio_pci_generic';
/** A read takes the count of interrupts so far (Documentation/driver-api/uio-howto.rst). */
const COUNT_BYTES = 4;

/** Whether a card can be reached by uio_pci_generic here, or why not. */
export const uioPossible = (): true | string =>
  hasDriver(UIO_DRIVER) || `the kernel has no ${UIO_DRIVER} loaded (modprobe ${UIO_DRIVER})`;

/**
 * Opens a card without an IOMMU between it and memory, with its INTx interrupt (`uio`) or without (`sysfs`). Throws
 * NicshareError InterfaceTaken, OutOfMemory, NotPermitted, DeviceFailed.
 */
export function openPhysical(
  way: 'uio' | 'sysfs',
  card: PciFunction,
  force: boolean,
  context: PciContext,
): PciCard {
  const giveBack = takeFromKernel(card, way === 'uio' ? UIO_DRIVER : undefined, force);
  try {
    return new PhysicalCard(way, readFunction(card.address), context, giveBack);
  } catch (error) {
    giveBack();
    throw error;
  }
}

class PhysicalCard implements PciCard {
  readonly way: 'uio' | 'sysfs';
  readonly address: string;
  readonly config: ConfigSpace;
  readonly interrupts: Interrupts & { close(): void };
  readonly #memory: PhysicalMemory;
  readonly #bars: Bars;
  readonly #configFd: number;
  readonly #giveBack: () => void;

  constructor(way: 'uio' | 'sysfs', card: PciFunction, context: PciContext, giveBack: () => void) {
    this.way = way;
    this.address = card.address;
    this.#giveBack = giveBack;
    this.#memory = new PhysicalMemory(card.address, context.arena);
    this.#configFd = openSync(join(card.folder, 'config'), 'r+');
    this.config = new ConfigSpace(this.#configFd);
    this.#bars = new Bars(context.arena, (index) => openResource(card, index));
    this.interrupts = way === 'uio' ? new LineInterrupt(card, this.config) : NO_INTERRUPTS;
    this.config.enable(true, true);
  }

  mapBar(index: number): Bar {
    return this.#bars.map(index);
  }

  allocate(name: string, bytes: number): Region {
    return this.#memory.allocate(name, bytes);
  }

  iova(offset: number): number {
    return this.#memory.iova(offset);
  }

  forgetPredecessor(): void {
    this.#memory.forgetPredecessor();
  }

  close(): void {
    this.config.enable(true, false);
    this.#bars.close();
    this.interrupts.close();
    closeSync(this.#configFd);
    this.#memory.close();
    this.#giveBack();
  }
}

/** Documentation/PCI/sysfs-pci.rst: `resourceN` can be mapped. */
function openResource({ address, folder }: PciFunction, index: number): BarSource {
  const path = join(folder, `resource${index}`);
  if (!existsSync(path)) throw noBar(address, index);
  const fd = openSync(path, 'r+');
  return { fd, at: 0, bytes: fstatSync(fd).size, done: () => closeSync(fd) };
}

const NO_INTERRUPTS: Interrupts & { close(): void } = { count: 0, enable: () => [], rearm() {}, close() {} };

/** INTx by uio_pci_generic, which keeps it off after each until it is let in again. */
class LineInterrupt implements Interrupts {
  readonly count = 1;
  readonly #fd: number;
  readonly #config: ConfigSpace;
  readonly #bytes = Buffer.alloc(COUNT_BYTES);

  constructor(card: PciFunction, config: ConfigSpace) {
    const device = uioDevice(card);
    if (device === undefined)
      throw new NicshareError(
        'DeviceFailed',
        `The card ${card.address} has no /dev/uio device.`,
        'See dmesg.',
      );
    this.#fd = openSync(device, O_RDWR | O_NONBLOCK);
    this.#config = config;
  }

  enable(vectors: number): readonly number[] {
    this.#config.allowInterrupts(true);
    return vectors > 0 ? [this.#fd] : [];
  }

  rearm(): void {
    try {
      readSync(this.#fd, this.#bytes, 0, COUNT_BYTES, null);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
    this.#config.allowInterrupts(true);
  }

  close(): void {
    this.#config.allowInterrupts(false);
    closeSync(this.#fd);
  }
}
