import { layout } from '@nicshare/shm';
import type { Registers } from '../intel/registers.js';
import type { RingPair } from '../intel/rings.js';
import * as R from './registers.js';

const RESET_MS = 100;
/** After a reset the EEPROM is read for so long (4.6.1). */
const EEPROM_MS = 10;
const LINK_MS = 3000;

/**
 * Ends all that the card does: rings that a dead process left would go on writing into memory that is not theirs any
 * more. A reset alone leaves the rings' registers as they are on some cards, so each is written.
 */
export function quiesce(registers: Registers): void {
  registers.write(R.IMC, 0xffffffff);
  for (const register of [R.RCTL, R.TCTL, R.MRQC, R.RXCSUM]) registers.write(register, 0);
  for (const ring of [0, R.RING])
    for (const register of [R.RDLEN, R.RDH, R.RDT, R.RDBAL, R.RDBAH, R.TDLEN, R.TDH, R.TDT, R.TDBAL, R.TDBAH])
      registers.write(register + ring, 0);
}

/** Resets the card (4.6.1) and quiets it. Throws NicshareError DeviceFailed. */
export function reset(registers: Registers): void {
  quiesce(registers);
  registers.set(R.CTRL, R.CTRL_RST);
  registers.await('the end of its reset', RESET_MS, () => (registers.read(R.CTRL) & R.CTRL_RST) === 0);
  const read = performance.now() + EEPROM_MS;
  registers.await('its EEPROM', RESET_MS, () => performance.now() > read);
  quiesce(registers);
  registers.read(R.ICR);
}

/** Lets the link come up (4.6.3), without waiting for it. */
export function bringLinkUp(registers: Registers): void {
  registers.set(R.CTRL, R.CTRL_SLU | R.CTRL_ASDE);
}

/** Waits a while for the link; a cable that is not plugged in is no error. */
export function awaitLink(registers: Registers): void {
  const end = performance.now() + LINK_MS;
  while ((registers.read(R.STATUS) & R.STATUS_LU) === 0 && performance.now() < end);
}

/** Receive Initialization (4.6.5): extended descriptors, one buffer a packet, all packets (the queues' rules choose). */
export function startReceiving(registers: Registers, rings: readonly RingPair[]): void {
  for (let i = 0; i < R.TABLE_ENTRIES; i++) {
    registers.write(R.MTA + 4 * i, 0);
    registers.write(R.VFTA + 4 * i, 0);
  }
  registers.write(R.RFCTL, R.RFCTL_EXSTEN);
  rings.forEach(({ rxIova, descriptorBytes }, index) => {
    const ring = index * R.RING;
    writeAddress(registers, R.RDBAL + ring, rxIova);
    registers.write(R.RDLEN + ring, descriptorBytes);
    registers.write(R.RDH + ring, 0);
    registers.write(R.RDT + ring, 0);
    registers.set(R.RXDCTL + ring, R.DCTL_GRAN);
  });
  if (rings.length > 1) spread(registers);
  registers.write(R.RCTL, R.RCTL_EN | R.RCTL_UPE | R.RCTL_MPE | R.RCTL_BAM | R.RCTL_SECRC);
}

/** Microsoft's example key, by which the hashes that others publish are computed. */
const RSS_KEY = Buffer.from(
  '6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa',
  'hex',
);
/** Entries of RETA alternate between rings 0 and 1: bit 7 of each. */
const ALTERNATE = 0x80008000;

/** Spreads packets over both rings by a hash (7.1.11). What is not hashed goes to ring 0. */
function spread(registers: Registers): void {
  for (let i = 0; i < R.RSSRK_ENTRIES; i++) registers.write(R.RSSRK + 4 * i, RSS_KEY.readUInt32LE(4 * i));
  for (let i = 0; i < R.RETA_ENTRIES; i++) registers.write(R.RETA + 4 * i, ALTERNATE);
  registers.write(R.RXCSUM, R.RXCSUM_PCSD);
  registers.write(R.MRQC, R.MRQC_RSS | R.MRQC_HASHES);
}

/** Transmit Initialization (4.6.6). */
export function startSending(registers: Registers, rings: readonly RingPair[]): void {
  rings.forEach(({ txIova, descriptorBytes }, index) => {
    const ring = index * R.RING;
    writeAddress(registers, R.TDBAL + ring, txIova);
    registers.write(R.TDLEN + ring, descriptorBytes);
    registers.write(R.TDH + ring, 0);
    registers.write(R.TDT + ring, 0);
    registers.write(R.TXDCTL + ring, R.DCTL_GRAN | R.TXDCTL_COUNT_DESC);
  });
  registers.write(R.TIPG, R.TIPG_COPPER);
  registers.write(R.TCTL, R.TCTL_EN | R.TCTL_PSP | R.TCTL_CT | R.TCTL_COLD);
}

/** The upper half stands in the next register. */
function writeAddress(registers: Registers, register: number, address: number): void {
  registers.write(register, address % 2 ** 32);
  registers.write(register + 4, Math.floor(address / 2 ** 32));
}

/** Longest packet that it takes without long packet reception (10.2.5.1, LPE): 1518 bytes without the check sequence and a tag. */
export const MAX_PACKET = 1500 + layout.ETHERNET_HEADER;
