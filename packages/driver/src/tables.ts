/*
 * Offsets in the arena that the driver's own data plane uses. Read by TypeScript and by AssemblyScript alike: plain
 * constants, no imports. The first MiB of every arena is set aside for such tables; ranges are handed out above it.
 */

/** A batch: up to MAX_BURST entries by which a device and the dataplane hand packets to each other. */
export const BATCH_OFFSET = 0;
export const BATCH_LENGTH = BATCH_OFFSET + 4;
export const BATCH_ENTRY = BATCH_LENGTH + 4;
export const BATCH_SHIFT = 3;
export const MAX_BURST = 64;

/** Where the driver module keeps its state, and where the dispatcher's own tables may start. */
export const DRIVER_TABLES = 65536;
export const DRIVER_TABLES_END = 262144;
/** Holds nothing; see assembly/fence.ts. */
export const FENCE_CELL = DRIVER_TABLES_END - 128;
