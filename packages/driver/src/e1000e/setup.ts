import * as C from '../intel/common.js';
import type { Registers } from '../intel/registers.js';
import type { RingPair } from '../intel/rings.js';
import * as intel from '../intel/setup.js';
import { spreadEvenly } from '../rss/plan.js';
import * as R from './registers.js';

export const MAX_RINGS = 2;

export function quiesce(registers: Registers): void {
  intel.stop(registers);
  for (let ring = 0; ring < MAX_RINGS; ring++)
    for (const at of [R.rxRing(ring), R.txRing(ring)]) intel.clearRing(registers, at);
}

/** 4.6.3. */
export function bringLinkUp(registers: Registers): void {
  registers.set(C.CTRL, C.CTRL_SLU | R.CTRL_ASDE);
}

export function start(registers: Registers, rings: readonly RingPair[]): void {
  startReceiving(registers, rings);
  startSending(registers, rings);
}

/** Receive Initialization (4.6.5): extended descriptors, one buffer a packet. */
function startReceiving(registers: Registers, rings: readonly RingPair[]): void {
  intel.clearFilters(registers);
  registers.write(R.RFCTL, R.RFCTL_EXSTEN);
  rings.forEach(({ rxIova, descriptorBytes }, ring) => {
    intel.placeRing(registers, R.rxRing(ring), rxIova, descriptorBytes);
    registers.set(R.rxRing(ring) + C.DCTL, R.DCTL_GRAN);
  });
  if (rings.length > 1) spread(registers);
  intel.receiveAll(registers);
}

/** Spreads packets over both rings by a hash (7.1.11). What is not hashed goes to ring 0. */
function spread(registers: Registers): void {
  const { key, table } = spreadEvenly(MAX_RINGS);
  intel.writeRss(
    registers,
    key,
    table.map((ring) => ring << R.RETA_RING_SHIFT),
  );
  registers.write(C.RXCSUM, C.RXCSUM_PCSD);
  registers.write(C.MRQC, R.MRQC_RSS | R.MRQC_HASHES);
}

/** Transmit Initialization (4.6.6). */
function startSending(registers: Registers, rings: readonly RingPair[]): void {
  rings.forEach(({ txIova, descriptorBytes }, ring) => {
    intel.placeRing(registers, R.txRing(ring), txIova, descriptorBytes);
    registers.write(R.txRing(ring) + C.DCTL, R.DCTL_GRAN | R.TXDCTL_COUNT_DESC);
  });
  registers.write(R.TIPG, R.TIPG_COPPER);
  registers.write(C.TCTL, C.TCTL_EN | C.TCTL_PSP | C.TCTL_CT | R.TCTL_COLD);
}
