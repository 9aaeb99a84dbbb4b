/*
 * Registers that the 82574L has for itself: "82574 GbE Controller Family Datasheet" 3.4, chapter 10. Spelled as there.
 * The others are in intel/common.ts.
 */

export const EIAC = 0x00dc;
export const IVAR = 0x00e4;
export const TIPG = 0x0410;
export const RFCTL = 0x5008;

/** Where the registers of ring n begin: RDBAL(n), TDBAL(n) (10.2.5.10, 10.2.6.4). */
export const rxRing = (ring: number): number => 0x2800 + ring * 0x100;
export const txRing = (ring: number): number => 0x3800 + ring * 0x100;

// CTRL (10.2.2.1)
export const CTRL_ASDE = 1 << 5;
// CTRL_EXT (10.2.2.5)
export const CTRL_EXT_EIAME = 1 << 24;
export const CTRL_EXT_PBA_CLR = 1 << 31;
// RXDCTL, TXDCTL (10.2.5.15, 10.2.6.9)
export const DCTL_GRAN = 1 << 24;
export const TXDCTL_COUNT_DESC = 1 << 22;
// RFCTL (10.2.5.17)
export const RFCTL_EXSTEN = 1 << 15;
// MRQC (10.2.5.23): RSS, with the hashes of TCP/IPv4, IPv4, TCP/IPv6, IPv6EX and IPv6
export const MRQC_RSS = 1;
export const MRQC_HASHES = 0x1f << 16;
/** An entry of RETA names the ring by its bit 7 (10.2.5.24). */
export const RETA_RING_SHIFT = 7;
// TCTL (10.2.6.1)
export const TCTL_COLD = 0x3f << 12;
/** Values for copper (10.2.6.2). */
export const TIPG_COPPER = 8 | (8 << 10) | (6 << 20);
// Interrupt causes (10.2.4)
export const causeRxQueue = (ring: number): number => 1 << (20 + ring);
/** IVAR (10.2.4.9): vector, and that it is valid, for RxQ0, RxQ1, TxQ0, TxQ1, other causes. */
export const IVAR_VALID = 8;
