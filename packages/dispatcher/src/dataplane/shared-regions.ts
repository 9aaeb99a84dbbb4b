import type { Device } from '@nicshare/driver';
import { MAX_DEVICE_REGIONS, NicshareError, openReadOnly } from '@nicshare/shm';
import type { SharedRegion } from './messages.js';
import { MAX_SHARED_RINGS } from './tables.js';

/** Why clients cannot share a device's frames, and what to do about it; undefined where they can. */
function obstacle({ info, rxRegions }: Device): [what: string, action: string] | undefined {
  if (rxRegions.length === 0)
    return [
      `The frames of ${info.interface} lie in no memory that clients could map.`,
      'Set mode: isolated.',
    ];
  if (info.rxQueues > MAX_SHARED_RINGS || rxRegions.length > MAX_DEVICE_REGIONS)
    return [
      `${info.interface} has ${info.rxQueues} hardware rings; the frames of ${MAX_SHARED_RINGS} can be shared.`,
      `Set device.rings: ${MAX_SHARED_RINGS}.`,
    ];
  return undefined;
}

/**
 * Opens the memory of a device's frames read-only, for clients of mode `shared`. The descriptors are the caller's.
 * Throws NicshareError NotSupported.
 */
export function openSharedRegions(device: Device): SharedRegion[] {
  const why = obstacle(device);
  if (why) throw new NicshareError('NotSupported', `No queue can be in mode shared. ${why[0]}`, why[1]);
  return device.rxRegions.map((region) => ({
    fd: openReadOnly(region),
    offset: region.offset,
    bytes: region.bytes,
  }));
}
