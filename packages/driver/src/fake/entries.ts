import { BATCH_LENGTH, BATCH_OFFSET, BATCH_SHIFT } from '../tables.js';

export const OFFSET_WORD = BATCH_OFFSET >>> 2;
export const LENGTH_WORD = BATCH_LENGTH >>> 2;
/** Two words of u32 an entry: in a batch and in the rx and tx rings alike. */
export const ENTRY_WORDS_SHIFT = BATCH_SHIFT - 2;
