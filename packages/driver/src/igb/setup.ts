import * as C from '../intel/common.js';
import type { Registers } from '../intel/registers.js';
import type { RingPair } from '../intel/rings.js';
import * as intel from '../intel/setup.js';
import { type RssPlan, spreadEvenly } from '../rss/plan.js';
import * as R from './registers.js';

export const MAX_RINGS = 16;
const PHY_MS = 100;
const RING_MS = 100;
const KIB = 1024;

export function quiesce(registers: Registers): void {
  registers.write(R.EIMC, 0xffffffff);
  intel.stop(registers);
  for (let ring = 0; ring < MAX_RINGS; ring++)
    for (const at of [R.rxRing(ring), R.txRing(ring)]) {
      registers.write(at + C.DCTL, 0);
      intel.clearRing(registers, at);
    }
}

/** The PHY negotiates anew, which takes it about half a second. */
export function bringLinkUp(registers: Registers): void {
  registers.set(C.CTRL, C.CTRL_SLU);
  registers.write(R.MDIC, R.PHY_RENEGOTIATE | R.PHY_CONTROL | R.MDIC_PHY | R.MDIC_WRITE);
  registers.await('an answer of its PHY', PHY_MS, () => (registers.read(R.MDIC) & R.MDIC_READY) !== 0);
}

export function start(registers: Registers, rings: readonly RingPair[], frameSize: number): void {
  startReceiving(registers, rings, frameSize);
  startSending(registers, rings);
}

/** Receive Initialization (4.5.9): advanced descriptors, one buffer a packet. */
function startReceiving(registers: Registers, rings: readonly RingPair[], frameSize: number): void {
  intel.clearFilters(registers);
  if (rings.length > 1) spread(registers, rings.length);
  // A full ring must not hold up the others.
  const drop = rings.length > 1 ? R.SRRCTL_DROP_EN : 0;
  rings.forEach(({ rxIova, descriptorBytes }, ring) => {
    const at = R.rxRing(ring);
    intel.placeRing(registers, at, rxIova, descriptorBytes);
    registers.write(at + R.SRRCTL, (frameSize / KIB) | R.SRRCTL_ADVANCED | drop);
    enable(registers, at);
  });
  intel.receiveAll(registers);
}

/** Lets a hash choose the rings (7.1.1). What is not hashed goes to ring 0. */
function spread(registers: Registers, rings: number): void {
  steer(registers, spreadEvenly(rings));
  registers.write(C.RXCSUM, C.RXCSUM_PCSD);
  registers.write(C.MRQC, R.MRQC_RSS | R.MRQC_HASHES);
}

/** Each entry of RETA names the ring by its low bits. */
export function steer(registers: Registers, { key, table }: RssPlan): void {
  intel.writeRss(registers, key, table);
}

/** Transmit Initialization (4.5.10). */
function startSending(registers: Registers, rings: readonly RingPair[]): void {
  registers.write(C.TCTL, C.TCTL_EN | C.TCTL_PSP | C.TCTL_CT | R.TCTL_COLD);
  rings.forEach(({ txIova, descriptorBytes }, ring) => {
    intel.placeRing(registers, R.txRing(ring), txIova, descriptorBytes);
    enable(registers, R.txRing(ring));
  });
}

/** Its tail may be moved once the ring says that it is enabled. */
function enable(registers: Registers, at: number): void {
  registers.write(at + C.DCTL, R.DCTL_ENABLE);
  registers.await('work on a ring', RING_MS, () => (registers.read(at + C.DCTL) & R.DCTL_ENABLE) !== 0);
}
