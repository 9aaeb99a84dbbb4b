import type { Arena, HugepagePolicy, Region } from '@nicshare/shm';
import type { ConfigSpace } from './config-space.js';

/**
 * How a card is reached. `vfio`: behind an IOMMU, so that it reaches the memory that it was given and no other, with
 * an interrupt a ring. `uio`: without an IOMMU, one interrupt. `sysfs`: the same without interrupts. A card without an
 * IOMMU can be told to write anywhere; who drives it can do what the kernel can.
 */
export type PciWay = 'vfio' | 'uio' | 'sysfs';

/** A mapped range of the card's registers; offset in the arena. Loads and stores of a register's own width only. */
export interface Bar {
  readonly offset: number;
  readonly bytes: number;
}

export interface Interrupts {
  /** Vectors that the card and the way offer: MSI-X by vfio, 1 by uio, 0 by sysfs. */
  readonly count: number;
  /** Descriptors that become readable, one a vector; to be called once. */
  enable(vectors: number): readonly number[];
  /** After a wakeup: takes what descriptor `vector` holds, and lets it come again. */
  rearm(vector: number): void;
}

/** A card that this process drives. */
export interface PciCard {
  /** '0000:00:02.0' */
  readonly address: string;
  readonly way: PciWay;
  readonly config: ConfigSpace;
  readonly interrupts: Interrupts;
  /** Maps the registers of base address register `index`. Throws NicshareError DeviceFailed where there are none. */
  mapBar(index: number): Bar;
  /**
   * Memory that the card reaches too, zeroed. Without an IOMMU it is a named file of 2 MiB pages that outlives this
   * process, for nothing stops a card whose driver has died; the next opening frees it. Throws NicshareError
   * OutOfMemory.
   */
  allocate(name: string, bytes: number): Region;
  /** Address for the card of a byte of that memory, by its offset in the arena. */
  iova(offset: number): number;
  /**
   * Frees what a predecessor left allocated. To be called once the card is known to be quiet: from then on it is sure
   * that no ring of the predecessor's writes there.
   */
  forgetPredecessor(): void;
  /** To be called with the card quiet: ends its access to memory, frees that, gives the card back to its driver. */
  close(): void;
}

export interface PciOptions {
  /** '0000:00:02.0'; '00:02.0' is of domain 0. */
  readonly address: string;
  /** `auto`: the first of vfio, uio, sysfs that the machine has. */
  readonly way: PciWay | 'auto';
  /** Take it though the kernel uses it with an address configured. */
  readonly force: boolean;
}

export interface PciContext {
  readonly arena: Arena;
  readonly hugepages: HugepagePolicy;
  readonly note: (line: string) => void;
}

/** Options of a driver that owns its card. */
export interface PciDeviceOptions<D extends string> {
  readonly driver: D;
  /** '0000:00:02.0' */
  readonly pci: string;
  readonly access?: PciWay | 'auto';
  /** Hardware rings of each direction. */
  readonly rings?: 'all' | number;
  /** Take the card though the kernel uses it. */
  readonly force?: boolean;
}
