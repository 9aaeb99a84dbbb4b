import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { NicshareError } from '@nicshare/shm';

/** Documentation/PCI/sysfs-pci.rst */
const DEVICES = '/sys/bus/pci/devices';
const CLASS_NETWORK = 0x02;

/** What the kernel says of a function of a card. */
export interface PciFunction {
  /** '0000:00:02.0' */
  readonly address: string;
  /** Its folder in sysfs. */
  readonly folder: string;
  readonly vendor: number;
  readonly device: number;
  /** The kernel's driver that has it; undefined where none has. */
  readonly driver: string | undefined;
  /** Undefined where no IOMMU stands between it and memory. */
  readonly iommuGroup: string | undefined;
  /** The IOMMU translates the card's addresses for the kernel: only VFIO can have it translate others. */
  readonly translated: boolean;
  /** The kernel's interfaces on it. */
  readonly interfaces: readonly string[];
}

const optionalLink = (path: string): string | undefined =>
  existsSync(path) ? basename(readlinkSync(path)) : undefined;

const hexFile = (path: string): number => Number.parseInt(readFileSync(path, 'utf8'), 16);

/** Documentation/ABI/testing/sysfs-kernel-iommu_groups: `identity` passes addresses through as they are. */
const isTranslated = (type: string): boolean =>
  existsSync(type) && readFileSync(type, 'utf8').startsWith('DMA');

function describe(folder: string): PciFunction {
  const net = join(folder, 'net');
  return {
    address: basename(folder),
    folder,
    vendor: hexFile(join(folder, 'vendor')),
    device: hexFile(join(folder, 'device')),
    driver: optionalLink(join(folder, 'driver')),
    iommuGroup: optionalLink(join(folder, 'iommu_group')),
    translated: isTranslated(join(folder, 'iommu_group', 'type')),
    interfaces: existsSync(net) ? readdirSync(net) : [],
  };
}

/** The functions of network cards. `devices` is a folder as the kernel's. */
export function networkFunctions(devices = DEVICES): PciFunction[] {
  if (!existsSync(devices)) return [];
  return readdirSync(devices)
    .map((address) => join(devices, address))
    .filter((folder) => hexFile(join(folder, 'class')) >>> 16 === CLASS_NETWORK)
    .map(describe);
}

/** One function by its address. Throws NicshareError InterfaceNotFound, which names those that there are. */
export function readFunction(address: string, devices = DEVICES): PciFunction {
  const whole = /^[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/i.test(address) ? `0000:${address}` : address;
  const folder = join(devices, whole.toLowerCase());
  if (/^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/i.test(whole) && existsSync(folder))
    return describe(folder);
  const known = networkFunctions(devices).map((card) => card.address);
  throw new NicshareError(
    'InterfaceNotFound',
    `There is no PCI card at ${address}.`,
    known.length > 0
      ? `Set device.pci to one of: ${known.join(', ')}.`
      : 'This machine has no network card on PCI.',
  );
}
