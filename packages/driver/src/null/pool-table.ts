/*
 * What the null device's fast path knows, from DRIVER_TABLES on. Read by TypeScript and by AssemblyScript alike: plain
 * constants, no imports. All cells are u32, but DISCARDED, a u64.
 */

/** Arena offset of the first prepared frame; frame i stands `i << FRAME_SHIFT` behind it. */
export const RX_POOL = 0;
export const RX_MASK = RX_POOL + 4;
export const RX_LENGTH = RX_MASK + 4;
/** Next frame to hand out; free-running. */
export const RX_CURSOR = RX_LENGTH + 4;
export const FRAME_SHIFT = RX_CURSOR + 4;
export const TX_POOL = FRAME_SHIFT + 4;
export const TX_MASK = TX_POOL + 4;
export const TX_CURSOR = TX_MASK + 4;

/** Packets sent, and so gone. */
export const DISCARDED = TX_CURSOR + 4;
export const TABLE_BYTES = DISCARDED + 8;
