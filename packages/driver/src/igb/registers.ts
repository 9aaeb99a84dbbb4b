/*
 * Registers that the 82576 has for itself: "82576EB Gigabit Ethernet Controller Datasheet" 2.63, chapter 8. Spelled as
 * there. The others are in intel/common.ts.
 */

export const MDIC = 0x0020;
export const GPIE = 0x1514;
export const EIMS = 0x1524;
export const EIMC = 0x1528;
export const EIAC = 0x152c;
export const EIAM = 0x1530;
export const EICR = 0x1580;
export const IVAR = 0x1700;

/** Where the registers of ring n begin: RDBAL(n), TDBAL(n). */
export const rxRing = (ring: number): number => 0xc000 + ring * 0x40;
export const txRing = (ring: number): number => 0xe000 + ring * 0x40;
/** From there on. */
export const SRRCTL = 0x0c;
export const RQDPC = 0x30;

// RXDCTL, TXDCTL
export const DCTL_ENABLE = 1 << 25;
// SRRCTL: the buffer's size in KiB, advanced descriptors with one buffer, drop where a ring of several is full
export const SRRCTL_ADVANCED = 1 << 25;
export const SRRCTL_DROP_EN = 1 << 31;
/** Packets that found no descriptor, 12 bits, cleared as they are read. */
export const RQDPC_MASK = 0xfff;
// MRQC: RSS, with the hashes of TCP/IPv4, IPv4, IPv6, TCP/IPv6, UDP/IPv4 and UDP/IPv6
export const MRQC_RSS = 2;
export const MRQC_HASHES = (3 << 16) | (0xf << 20);
// TCTL
export const TCTL_COLD = 0x40 << 12;
// GPIE: several vectors, cleared and masked as they are raised
export const GPIE_NSICR = 1;
export const GPIE_MULTIPLE_MSIX = 1 << 4;
export const GPIE_EIAME = 1 << 30;
export const GPIE_PBA = 1 << 31;
/** An entry of IVAR, one byte: a vector, and that it is valid. */
export const IVAR_VALID = 0x80;
// MDIC: a value for a register of the PHY at address 1; done
export const MDIC_PHY = 1 << 21;
export const MDIC_WRITE = 1 << 26;
export const MDIC_READY = 1 << 28;
/** The PHY's control register (IEEE 802.3, 22.2.4.1): negotiate, from the start. */
export const PHY_CONTROL = 0 << 16;
export const PHY_RENEGOTIATE = 0x1200;
