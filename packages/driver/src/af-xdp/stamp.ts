import type { Assembler } from '../bpf/assembler.js';
import type { FastPath } from '../device.js';
import { BATCH_OFFSET } from '../tables.js';
import { CONTEXT_DATA, CONTEXT_DATA_META } from './xdp-context.js';

// enum bpf_func_id (linux/bpf.h)
const HELPER_KTIME_GET_NS = 5;
const HELPER_ADJUST_META = 54;

/** The time before a packet: a u64, nanoseconds of CLOCK_MONOTONIC. */
const STAMP_BYTES = 8;

/**
 * Stores the time before the packet, as XDP metadata: with it the kernel copies them into the socket's frame
 * (net/xdp/xsk.c), or the card has put them there. Where an interface's driver takes no metadata the packet goes
 * without. Keeps r1 = context; all others are lost.
 */
export function stamp(program: Assembler): void {
  program
    .move('r6', 'r1')
    .move('r2', -STAMP_BYTES)
    .call(HELPER_ADJUST_META)
    .jumpIf('r0', '!=', 0, 'stamped')
    .call(HELPER_KTIME_GET_NS)
    .load('u32', 'r2', 'r6', CONTEXT_DATA_META)
    .load('u32', 'r3', 'r6', CONTEXT_DATA)
    .move('r4', 'r2')
    .add('r4', STAMP_BYTES)
    .jumpIf('r4', '>', 'r3', 'stamped')
    .store('r2', 0, 'r0')
    .label('stamped')
    .move('r1', 'r6');
}

/** Reads the stamp of the packet that a batch entry names. A frame that never held one reads as 0: not known. */
export function stampReader({ buffer }: WebAssembly.Memory): NonNullable<FastPath['rxTime']> {
  const view = new DataView(buffer);
  return (_queue, entry) => {
    const stamp = view.getUint32(entry + BATCH_OFFSET, true) - STAMP_BYTES;
    return view.getUint32(stamp + 4, true) * 2 ** 32 + view.getUint32(stamp, true);
  };
}
