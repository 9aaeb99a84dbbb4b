/*
 * Registers, and bits of them, that the 82574 and the 82576 have alike: "82574 GbE Controller Family Datasheet" 3.4,
 * chapter 10; "82576EB Gigabit Ethernet Controller Datasheet" 2.63, chapter 8. Spelled as there.
 */

export const CTRL = 0x0000;
export const STATUS = 0x0008;
export const CTRL_EXT = 0x0018;
export const ICR = 0x00c0;
export const IMS = 0x00d0;
export const IMC = 0x00d8;
export const RCTL = 0x0100;
export const TCTL = 0x0400;
export const MPC = 0x4010;
export const RNBC = 0x40a0;
export const RXCSUM = 0x5000;
export const MTA = 0x5200;
export const RAL = 0x5400;
export const RAH = 0x5404;
export const VFTA = 0x5600;
export const MRQC = 0x5818;
export const RETA = 0x5c00;
export const RSSRK = 0x5c80;

/** Entries of MTA and VFTA, of 32 bits each. */
export const TABLE_ENTRIES = 128;

export const CTRL_SLU = 1 << 6;
export const CTRL_RST = 1 << 26;
export const STATUS_LU = 1 << 1;
export const RCTL_EN = 1 << 1;
export const RCTL_UPE = 1 << 3;
export const RCTL_MPE = 1 << 4;
export const RCTL_BAM = 1 << 15;
export const RCTL_SECRC = 1 << 26;
export const RXCSUM_PCSD = 1 << 13;
export const TCTL_EN = 1 << 1;
export const TCTL_PSP = 1 << 3;
export const TCTL_CT = 0x0f << 4;
/** Causes of an interrupt without vectors: a packet has come, few descriptors are left. */
export const CAUSE_RXT0 = 1 << 7;
export const CAUSE_RXDMT0 = 1 << 4;

/** Registers of a ring, of either direction, from its first on: RDBAL, RDBAH, RDLEN, RDH, RDT, RXDCTL; TDBAL and so on. */
export const BAL = 0x00;
export const BAH = 0x04;
export const LEN = 0x08;
export const HEAD = 0x10;
export const TAIL = 0x18;
export const DCTL = 0x28;
