import { NicshareError } from '@nicshare/shm';
import type { PciCard, PciContext, PciOptions, PciWay } from './card.js';
import { type PciFunction, readFunction } from './functions.js';
import { openPhysical, uioPossible } from './physical.js';
import { openVfio, vfioPossible } from './vfio.js';

/**
 * Opens a card for a driver in user space. It may still be at work for a predecessor that died: the driver quiets it,
 * then calls `forgetPredecessor`. Throws NicshareError InterfaceNotFound, InterfaceTaken, NotSupported, NotPermitted,
 * OutOfMemory, DeviceFailed.
 */
export function openPciCard({ address, way, force }: PciOptions, context: PciContext): PciCard {
  const found = readFunction(address);
  const chosen = way === 'auto' ? chooseWay(found, context) : requireWay(way, found);
  return chosen === 'vfio' ? openVfio(found, force, context) : openPhysical(chosen, found, force, context);
}

const possible = (way: PciWay, card: PciFunction): true | string => {
  if (way === 'vfio') return vfioPossible(card);
  if (card.translated)
    return 'an IOMMU translates its addresses, which VFIO alone can direct (or boot with iommu=pt)';
  return way === 'uio' ? uioPossible() : true;
};

function requireWay(way: PciWay, card: PciFunction): PciWay {
  const answer = possible(way, card);
  if (answer === true) return way;
  throw new NicshareError(
    'NotSupported',
    `The card ${card.address} cannot be reached by ${way}: ${answer}.`,
    'Mend that, or set device.access to another way, or to auto.',
  );
}

function chooseWay(card: PciFunction, { note }: PciContext): PciWay {
  const reason = vfioPossible(card);
  if (reason === true) return 'vfio';
  if (card.translated) return requireWay('vfio', card);
  const uio = uioPossible();
  note(
    `The card ${card.address} is reached by ${uio === true ? 'uio' : 'sysfs, without interrupts'}: by VFIO it cannot be, for ${reason}. ` +
      'Nothing keeps it from memory that is not its own.',
  );
  return uio === true ? 'uio' : 'sysfs';
}
