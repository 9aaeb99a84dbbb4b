import { layout } from '@nicshare/shm';
import type { Device, DeviceContext } from '../device.js';
import { MPC, RNBC } from '../intel/common.js';
import { type IntelModel, openIntel } from '../intel/device.js';
import type { Registers } from '../intel/registers.js';
import type { PciDeviceOptions } from '../pci/card.js';
import { LineInterrupts, VectorInterrupts } from './interrupts.js';
import * as R from './registers.js';
import * as setup from './setup.js';

export type IgbOptions = PciDeviceOptions<'igb'>;

const MODEL: IntelModel = {
  driver: 'igb',
  name: '82576',
  device: 0x10c9,
  maxRings: setup.MAX_RINGS,
  // Without long packet reception (RCTL.LPE): 1518 bytes, of which four are the check sequence.
  maxPacket: 1500 + layout.ETHERNET_HEADER,
  rxRing: R.rxRing,
  txRing: R.txRing,
  // An advanced data descriptor (7.2.2.3): end of packet, insert the check sequence, report status; its last word holds the length too.
  txCommand: (0x2b << 24) | (3 << 20),
  txLengthShift: 14,
  quiesce: setup.quiesce,
  bringLinkUp: setup.bringLinkUp,
  start: setup.start,
  steer: setup.steer,
  interrupts: (registers, card, rings) =>
    card.way === 'vfio' ? new VectorInterrupts(registers, card, rings) : new LineInterrupts(registers, card),
  lost,
};

/**
 * Packets that found no room in the card, or no descriptor in their ring; all clear as they are read. The 82576 of QEMU
 * drops what finds no descriptor without counting it anywhere.
 */
function lost(registers: Registers, rings: number): number {
  let packets = registers.read(MPC) + registers.read(RNBC);
  for (let ring = 0; ring < rings; ring++) packets += registers.read(R.rxRing(ring) + R.RQDPC) & R.RQDPC_MASK;
  return packets;
}

/** Takes an Intel 82576 from the kernel and drives it; throws as openIntel does. */
export const openIgb = (options: IgbOptions, context: DeviceContext): Device =>
  openIntel(MODEL, options, context);
