import * as R from './common.js';
import type { Registers } from './registers.js';

const RESET_MS = 100;
/** After a reset the EEPROM is read for so long (82574: 4.6.1). */
const EEPROM_MS = 10;
const LINK_MS = 3000;

/**
 * Resets the card and quiets it, before and after: rings that a dead process left would go on writing into memory that
 * is not theirs any more, and some cards keep them through a reset. Throws NicshareError DeviceFailed.
 */
export function reset(registers: Registers, quiesce: (registers: Registers) => void): void {
  quiesce(registers);
  registers.set(R.CTRL, R.CTRL_RST);
  registers.await('the end of its reset', RESET_MS, () => (registers.read(R.CTRL) & R.CTRL_RST) === 0);
  const read = performance.now() + EEPROM_MS;
  registers.await('its EEPROM', RESET_MS, () => performance.now() > read);
  quiesce(registers);
  registers.read(R.ICR);
}

/** Ends reception and sending, apart from the rings and their interrupts. */
export function stop(registers: Registers): void {
  registers.write(R.IMC, 0xffffffff);
  for (const register of [R.RCTL, R.TCTL, R.MRQC, R.RXCSUM]) registers.write(register, 0);
}

/** Takes the memory from the ring whose registers lie there. */
export function clearRing(registers: Registers, at: number): void {
  for (const register of [R.LEN, R.HEAD, R.TAIL, R.BAL, R.BAH]) registers.write(at + register, 0);
}

/** Gives memory to the ring whose registers lie there. */
export function placeRing(registers: Registers, at: number, address: number, bytes: number): void {
  registers.write(at + R.BAL, address % 2 ** 32);
  registers.write(at + R.BAH, Math.floor(address / 2 ** 32));
  registers.write(at + R.LEN, bytes);
  registers.write(at + R.HEAD, 0);
  registers.write(at + R.TAIL, 0);
}

/** Waits a while for the link; a cable that is not plugged in is no error. */
export function awaitLink(registers: Registers): void {
  const end = performance.now() + LINK_MS;
  while ((registers.read(R.STATUS) & R.STATUS_LU) === 0 && performance.now() < end);
}

export function clearFilters(registers: Registers): void {
  for (let i = 0; i < R.TABLE_ENTRIES; i++) {
    registers.write(R.MTA + 4 * i, 0);
    registers.write(R.VFTA + 4 * i, 0);
  }
}

/** Lets in all packets; the queues' rules choose. */
export function receiveAll(registers: Registers): void {
  registers.write(R.RCTL, R.RCTL_EN | R.RCTL_UPE | R.RCTL_MPE | R.RCTL_BAM | R.RCTL_SECRC);
}

/** Writes the key and the table by which a hash chooses the ring; their words are of little endian. */
export function writeRss(registers: Registers, key: Uint8Array, table: Uint8Array): void {
  const words = (bytes: Uint8Array, register: number): void => {
    const view = Buffer.from(bytes);
    for (let at = 0; at < bytes.length; at += 4) registers.write(register + at, view.readUInt32LE(at));
  };
  words(key, R.RSSRK);
  words(table, R.RETA);
}
