import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NicshareError } from '@nicshare/shm';
import { dump, formatIp, linkIndex, RTM_GETADDR, readAddress } from '../netlink/index.js';
import { type PciFunction, readFunction } from './functions.js';

const DRIVERS = '/sys/bus/pci/drivers';
const PROBE = '/sys/bus/pci/drivers_probe';

/** Whether the kernel has such a driver, loaded. */
export const hasDriver = (name: string): boolean => existsSync(join(DRIVERS, name));

/** Puts a function under another of the kernel's drivers, or under none. Throws NicshareError DeviceFailed. */
function bindTo({ address, folder, driver }: PciFunction, wanted: string | undefined): void {
  if (driver === wanted) return;
  // driver_override keeps other drivers from taking it meanwhile; a lone line end takes it back.
  writeFileSync(join(folder, 'driver_override'), `${wanted ?? ''}\n`);
  if (driver !== undefined) writeFileSync(join(DRIVERS, driver, 'unbind'), address);
  if (wanted !== undefined) writeFileSync(PROBE, address);
  const now = readFunction(address).driver;
  if (now !== wanted)
    throw new NicshareError(
      'DeviceFailed',
      `The card ${address} does not go from the driver ${driver ?? 'none'} to ${wanted ?? 'none'}: it has ${now ?? 'none'}.`,
      'See dmesg for the reason.',
    );
}

/**
 * Takes a card from the kernel's driver and returns what gives it back. Throws NicshareError InterfaceTaken where the
 * kernel uses it and `force` does not say to take it all the same.
 */
export function takeFromKernel(card: PciFunction, driver: string | undefined, force: boolean): () => void {
  if (!force) requireUnused(card);
  const before = isOurs(card.driver) ? undefined : card.driver;
  try {
    bindTo(card, driver);
  } catch (error) {
    restore(card.address, before);
    throw error;
  }
  return () => restore(card.address, before);
}

/** The drivers by which a process has a card; one that died leaves it to them. */
const isOurs = (driver: string | undefined): boolean => driver === 'vfio-pci' || driver === 'uio_pci_generic';

function restore(address: string, driver: string | undefined): void {
  const card = readFunction(address);
  bindTo(card, undefined);
  writeFileSync(join(card.folder, 'driver_override'), '\n');
  if (driver !== undefined) writeFileSync(join(DRIVERS, driver, 'bind'), address);
  else writeFileSync(PROBE, address);
}

/** Scope of addresses that every interface gives itself (linux/rtnetlink.h); nobody need have configured them. */
const RT_SCOPE_LINK = 253;
const IFADDRMSG = 8;

/** An interface's first IP address of those that somebody gave it, also while it is down. */
function addressOf(name: string): string | undefined {
  const index = linkIndex(name);
  const given = dump('list addresses', RTM_GETADDR, Buffer.alloc(IFADDRMSG))
    .map(readAddress)
    .find((one) => one?.interfaceIndex === index && one.scope !== RT_SCOPE_LINK);
  return given && formatIp(given.address);
}

function requireUnused({ address, interfaces }: PciFunction): void {
  for (const name of interfaces) {
    const used = addressOf(name);
    if (used !== undefined)
      throw new NicshareError(
        'InterfaceTaken',
        `The kernel uses the card ${address} as ${name}, with the address ${used}.`,
        `Remove the address (ip address flush dev ${name}), or set device.force to take the card all the same.`,
      );
  }
}

/** The user-space device of a function that uio_pci_generic has: '/dev/uio0'. */
export function uioDevice({ folder }: PciFunction): string | undefined {
  const uio = join(folder, 'uio');
  const name = existsSync(uio) ? readdirSync(uio)[0] : undefined;
  return name === undefined ? undefined : `/dev/${name}`;
}
