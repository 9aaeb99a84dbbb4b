import { layout } from '@nicshare/shm';
import type { Device, DeviceContext } from '../device.js';
import { MPC, RNBC } from '../intel/common.js';
import { type IntelModel, openIntel } from '../intel/device.js';
import type { PciDeviceOptions } from '../pci/card.js';
import { MessageOrLineInterrupts } from './interrupts.js';
import * as R from './registers.js';
import * as setup from './setup.js';

export type E1000eOptions = PciDeviceOptions<'e1000e'>;

const MODEL: IntelModel = {
  driver: 'e1000e',
  name: '82574L',
  device: 0x10d3,
  maxRings: setup.MAX_RINGS,
  // Without long packet reception (10.2.5.1, LPE): 1518 bytes, of which four are the check sequence.
  maxPacket: 1500 + layout.ETHERNET_HEADER,
  rxRing: R.rxRing,
  txRing: R.txRing,
  // A legacy descriptor: end of packet, insert the check sequence, report status (7.2.10.1); no length in its last word.
  txCommand: 0x0b << 24,
  txLengthShift: 32,
  quiesce: setup.quiesce,
  bringLinkUp: setup.bringLinkUp,
  start: setup.start,
  interrupts: (registers, card, rings) => new MessageOrLineInterrupts(registers, card, rings),
  // Packets that found no room in the card, and those that found no descriptor; both clear as they are read.
  lost: (registers) => registers.read(MPC) + registers.read(RNBC),
};

/** Takes an Intel 82574L from the kernel and drives it; throws as openIntel does. */
export const openE1000e = (options: E1000eOptions, context: DeviceContext): Device =>
  openIntel(MODEL, options, context);
