/* Registers of Intel's 82574L: "82574 GbE Controller Family Datasheet" 3.4, chapter 10. Spelled as there. */

export const CTRL = 0x0000;
export const STATUS = 0x0008;
export const CTRL_EXT = 0x0018;
export const ICR = 0x00c0;
export const IMS = 0x00d0;
export const IMC = 0x00d8;
export const EIAC = 0x00dc;
export const IVAR = 0x00e4;
export const RCTL = 0x0100;
export const TCTL = 0x0400;
export const TIPG = 0x0410;

/** Of RX and TX ring n these lie at n times RING. */
export const RING = 0x100;
export const RDBAL = 0x2800;
export const RDBAH = 0x2804;
export const RDLEN = 0x2808;
export const RDH = 0x2810;
export const RDT = 0x2818;
export const RXDCTL = 0x2828;
export const TDBAL = 0x3800;
export const TDBAH = 0x3804;
export const TDLEN = 0x3808;
export const TDH = 0x3810;
export const TDT = 0x3818;
export const TXDCTL = 0x3828;

export const MPC = 0x4010;
export const RNBC = 0x40a0;
export const RXCSUM = 0x5000;
export const RFCTL = 0x5008;
export const MTA = 0x5200;
export const RAL = 0x5400;
export const RAH = 0x5404;
export const VFTA = 0x5600;
export const MRQC = 0x5818;
export const RETA = 0x5c00;
export const RSSRK = 0x5c80;

/** Entries of MTA and VFTA, of 32 bits each. */
export const TABLE_ENTRIES = 128;
export const RETA_ENTRIES = 32;
export const RSSRK_ENTRIES = 10;

// CTRL (10.2.2.1)
export const CTRL_ASDE = 1 << 5;
export const CTRL_SLU = 1 << 6;
export const CTRL_RST = 1 << 26;
// STATUS (10.2.2.2)
export const STATUS_LU = 1 << 1;
// CTRL_EXT (10.2.2.5)
export const CTRL_EXT_EIAME = 1 << 24;
export const CTRL_EXT_PBA_CLR = 1 << 31;
// RCTL (10.2.5.1)
export const RCTL_EN = 1 << 1;
export const RCTL_UPE = 1 << 3;
export const RCTL_MPE = 1 << 4;
export const RCTL_BAM = 1 << 15;
export const RCTL_SECRC = 1 << 26;
// RXDCTL, TXDCTL (10.2.5.15, 10.2.6.9)
export const DCTL_GRAN = 1 << 24;
export const TXDCTL_COUNT_DESC = 1 << 22;
// RFCTL (10.2.5.17)
export const RFCTL_EXSTEN = 1 << 15;
// RXCSUM (10.2.5.16)
export const RXCSUM_PCSD = 1 << 13;
// MRQC (10.2.5.23): RSS, with the hashes of TCP/IPv4, IPv4, TCP/IPv6, IPv6EX and IPv6
export const MRQC_RSS = 1;
export const MRQC_HASHES = 0x1f << 16;
// TCTL (10.2.6.1)
export const TCTL_EN = 1 << 1;
export const TCTL_PSP = 1 << 3;
export const TCTL_CT = 0x0f << 4;
export const TCTL_COLD = 0x3f << 12;
/** Values for copper (10.2.6.2). */
export const TIPG_COPPER = 8 | (8 << 10) | (6 << 20);
// Interrupt causes (10.2.4)
export const CAUSE_RXT0 = 1 << 7;
export const CAUSE_RXDMT0 = 1 << 4;
export const causeRxQueue = (ring: number): number => 1 << (20 + ring);
/** IVAR (10.2.4.9): vector, and that it is valid, for RxQ0, RxQ1, TxQ0, TxQ1, other causes. */
export const IVAR_VALID = 8;
