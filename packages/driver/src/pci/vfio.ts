import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { createOwnRegion, destroyRegion, NicshareError, type Region } from '@nicshare/shm';
import * as sys from '@nicshare/shm/sys';
import { libc as driverLibc } from '../sys.js';
import { type BarSource, Bars, noBar } from './bars.js';
import { hasDriver, takeFromKernel } from './binding.js';
import type { Bar, Interrupts, PciCard, PciContext } from './card.js';
import { ConfigSpace } from './config-space.js';
import type { PciFunction } from './functions.js';
import { EFD_CLOEXEC, EFD_NONBLOCK, libc } from './sys.js';

/* VFIO's interface of containers and groups: linux/vfio.h, Documentation/driver-api/vfio.rst. */
const CONTAINER = '/dev/vfio/vfio';
const GET_API_VERSION = 0x3b64;
const SET_IOMMU = 0x3b66;
const GROUP_GET_STATUS = 0x3b67;
const GROUP_SET_CONTAINER = 0x3b68;
const GROUP_GET_DEVICE_FD = 0x3b6a;
const DEVICE_GET_REGION_INFO = 0x3b6c;
const DEVICE_GET_IRQ_INFO = 0x3b6d;
const DEVICE_SET_IRQS = 0x3b6e;
const DEVICE_RESET = 0x3b6f;
const IOMMU_MAP_DMA = 0x3b71;
const IOMMU_UNMAP_DMA = 0x3b72;
const TYPE1_IOMMU = 1;
const GROUP_VIABLE = 1;
const CONFIG_REGION = 7;
const MSIX_INDEX = 2;
const IRQ_DATA_EVENTFD = 1 << 2;
const IRQ_ACTION_TRIGGER = 1 << 5;
const DMA_READ_WRITE = 3;

/**
 * The card's address of the arena's offset 0. The arena ends below 4 GiB, and so lies above the range in which x86
 * puts message interrupts; 33 bits are within what every IOMMU translates.
 */
const IOVA_BASE = 2 ** 32;
const EVENT_BYTES = 8;

/** Whether a card can be reached by VFIO here, or why not. */
export function vfioPossible(card: PciFunction): true | string {
  if (card.iommuGroup === undefined)
    return 'no IOMMU stands between it and memory (boot with intel_iommu=on or amd_iommu=on)';
  if (!hasDriver('vfio-pci')) return 'the kernel has no vfio-pci loaded (modprobe vfio-pci)';
  if (!existsSync(CONTAINER)) return `there is no ${CONTAINER} (modprobe vfio_iommu_type1)`;
  return true;
}

/** Opens a card by VFIO. Throws NicshareError NotSupported, NotPermitted, InterfaceTaken, DeviceFailed. */
export function openVfio(card: PciFunction, force: boolean, context: PciContext): PciCard {
  const giveBack = takeFromKernel(card, 'vfio-pci', force);
  const opened: number[] = [];
  try {
    const handles = openHandles(card, opened);
    return new VfioCard(card.address, handles, context, () => {
      for (const fd of opened.reverse()) closeSync(fd);
      giveBack();
    });
  } catch (error) {
    for (const fd of opened.reverse()) closeSync(fd);
    giveBack();
    throw error;
  }
}

interface Handles {
  readonly container: number;
  readonly device: number;
}

const call = (fd: number, request: number, argument: Buffer, what: string): number =>
  sys.check(driverLibc.ioctl(fd, request, argument), what);

function openHandles(card: PciFunction, opened: number[]): Handles {
  const keep = (fd: number): number => {
    opened.push(fd);
    return fd;
  };
  const container = keep(openSync(CONTAINER, 'r+'));
  sys.check(libc.ioctlValue(container, GET_API_VERSION, 0), 'VFIO_GET_API_VERSION');
  const group = keep(openGroup(card));
  requireViable(group, card);
  const containerBytes = Buffer.alloc(4);
  containerBytes.writeInt32LE(container);
  call(group, GROUP_SET_CONTAINER, containerBytes, 'VFIO_GROUP_SET_CONTAINER');
  sys.check(libc.ioctlValue(container, SET_IOMMU, TYPE1_IOMMU), 'VFIO_SET_IOMMU');
  const device = keep(
    call(group, GROUP_GET_DEVICE_FD, Buffer.from(`${card.address}\0`), 'VFIO_GROUP_GET_DEVICE_FD'),
  );
  return { container, device };
}

function openGroup({ address, iommuGroup }: PciFunction): number {
  try {
    return openSync(`/dev/vfio/${iommuGroup}`, 'r+');
  } catch (cause) {
    const busy = (cause as NodeJS.ErrnoException).code === 'EBUSY';
    throw new NicshareError(
      busy ? 'InterfaceTaken' : 'NotPermitted',
      `The IOMMU group ${iommuGroup} of the card ${address} cannot be opened: ${(cause as Error).message}.`,
      busy ? 'End the process that has it.' : `Run as root, or give this user /dev/vfio/${iommuGroup}.`,
      { cause },
    );
  }
}

function requireViable(group: number, { address, iommuGroup }: PciFunction): void {
  const status = Buffer.alloc(8);
  status.writeUInt32LE(status.length, 0);
  call(group, GROUP_GET_STATUS, status, 'VFIO_GROUP_GET_STATUS');
  if (status.readUInt32LE(4) & GROUP_VIABLE) return;
  throw new NicshareError(
    'NotSupported',
    `The IOMMU group ${iommuGroup} of the card ${address} holds other devices that the kernel drives.`,
    `Unbind them (ls /sys/kernel/iommu_groups/${iommuGroup}/devices), or put the card into another slot.`,
  );
}

class VfioCard implements PciCard {
  readonly way = 'vfio';
  readonly address: string;
  readonly config: ConfigSpace;
  readonly interrupts: Interrupts;
  readonly #container: number;
  readonly #context: PciContext;
  readonly #bars: Bars;
  readonly #regions: Region[] = [];
  readonly #giveBack: () => void;

  constructor(address: string, { container, device }: Handles, context: PciContext, giveBack: () => void) {
    this.address = address;
    this.#container = container;
    this.#context = context;
    this.#giveBack = giveBack;
    // A card that a dead process left running stops here; not every card can be reset so.
    driverLibc.ioctl(device, DEVICE_RESET, null);
    this.config = new ConfigSpace(device, regionOf(device, CONFIG_REGION).at);
    this.config.enable(true, true);
    this.interrupts = new MessageInterrupts(device);
    this.#bars = new Bars(context.arena, (index) => barRegion(device, index, address));
  }

  mapBar(index: number): Bar {
    return this.#bars.map(index);
  }

  allocate(name: string, bytes: number): Region {
    const { arena, hugepages } = this.#context;
    const region = createOwnRegion(arena, name, bytes, hugepages);
    const map = Buffer.alloc(32);
    map.writeUInt32LE(map.length, 0);
    map.writeUInt32LE(DMA_READ_WRITE, 4);
    map.writeBigUInt64LE(BigInt(arena.base + region.offset), 8);
    map.writeBigUInt64LE(BigInt(this.iova(region.offset)), 16);
    map.writeBigUInt64LE(BigInt(region.bytes), 24);
    if (driverLibc.ioctl(this.#container, IOMMU_MAP_DMA, map) < 0) {
      const cause = new sys.SystemError('VFIO_IOMMU_MAP_DMA', sys.errno());
      destroyRegion(arena, region);
      throw mapRefused(this.address, region.bytes, cause);
    }
    this.#regions.push(region);
    return region;
  }

  iova(offset: number): number {
    return IOVA_BASE + offset;
  }

  /** The IOMMU let go of a predecessor's memory when that ended. */
  forgetPredecessor(): void {}

  close(): void {
    this.config.enable(true, false);
    this.#bars.close();
    for (const region of this.#regions.splice(0)) {
      this.#unmap(region);
      destroyRegion(this.#context.arena, region);
    }
    (this.interrupts as MessageInterrupts).close();
    this.#giveBack();
  }

  #unmap({ offset, bytes }: Region): void {
    const unmap = Buffer.alloc(24);
    unmap.writeUInt32LE(unmap.length, 0);
    unmap.writeBigUInt64LE(BigInt(this.iova(offset)), 8);
    unmap.writeBigUInt64LE(BigInt(bytes), 16);
    call(this.#container, IOMMU_UNMAP_DMA, unmap, 'VFIO_IOMMU_UNMAP_DMA');
  }
}

function mapRefused(address: string, bytes: number, cause: sys.SystemError): NicshareError {
  if (cause.errno === sys.ENOMEM)
    return new NicshareError(
      'OutOfMemory',
      `${bytes} bytes for the card ${address} are more than this process may lock.`,
      'Raise its limit: ulimit -l unlimited.',
      { cause },
    );
  return new NicshareError(
    'NotSupported',
    `The IOMMU does not map ${bytes} bytes for the card ${address}: ${cause.message}.`,
    'It must translate addresses of 33 bits (intel_iommu=on, aw-bits=39 or more).',
    { cause },
  );
}

function regionOf(device: number, index: number): { at: number; bytes: number } {
  const info = Buffer.alloc(32);
  info.writeUInt32LE(info.length, 0);
  info.writeUInt32LE(index, 8);
  call(device, DEVICE_GET_REGION_INFO, info, 'VFIO_DEVICE_GET_REGION_INFO');
  return { at: Number(info.readBigUInt64LE(24)), bytes: Number(info.readBigUInt64LE(16)) };
}

function barRegion(device: number, index: number, address: string): BarSource {
  const { at, bytes } = regionOf(device, index);
  if (bytes === 0) throw noBar(address, index);
  return { fd: device, at, bytes };
}

/** MSI-X: an eventfd a vector. */
class MessageInterrupts implements Interrupts {
  readonly count: number;
  readonly #device: number;
  readonly #descriptors: number[] = [];
  readonly #bytes = Buffer.alloc(EVENT_BYTES);

  constructor(device: number) {
    this.#device = device;
    const info = Buffer.alloc(16);
    info.writeUInt32LE(info.length, 0);
    info.writeUInt32LE(MSIX_INDEX, 8);
    call(device, DEVICE_GET_IRQ_INFO, info, 'VFIO_DEVICE_GET_IRQ_INFO');
    this.count = info.readUInt32LE(12);
  }

  enable(vectors: number): readonly number[] {
    for (let vector = 0; vector < vectors; vector++)
      this.#descriptors.push(sys.check(libc.eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), 'eventfd'));
    const set = Buffer.alloc(20 + 4 * vectors);
    set.writeUInt32LE(set.length, 0);
    set.writeUInt32LE(IRQ_DATA_EVENTFD | IRQ_ACTION_TRIGGER, 4);
    set.writeUInt32LE(MSIX_INDEX, 8);
    set.writeUInt32LE(vectors, 16);
    this.#descriptors.forEach((fd, vector) => {
      set.writeInt32LE(fd, 20 + 4 * vector);
    });
    call(this.#device, DEVICE_SET_IRQS, set, 'VFIO_DEVICE_SET_IRQS');
    return this.#descriptors;
  }

  rearm(vector: number): void {
    try {
      readSync(this.#descriptors[vector]!, this.#bytes, 0, EVENT_BYTES, null);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }

  close(): void {
    for (const fd of this.#descriptors.splice(0)) closeSync(fd);
  }
}
