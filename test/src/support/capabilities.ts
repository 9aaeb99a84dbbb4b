import { check } from '@nicshare/shm/sys';
import koffi from 'koffi';
import { becomeNobody } from './nobody.js';

const lib = koffi.load('libc.so.6');
const prctl = lib.func('int prctl(int option, unsigned long value, ...)');
const capset = lib.func('int capset(_In_ uint32_t *header, _In_ uint32_t *data)');

// linux/prctl.h, linux/capability.h
const PR_SET_KEEPCAPS = 8;
const CAPABILITY_VERSION_3 = 0x20080522;
export const CAPABILITIES = { NET_ADMIN: 12, NET_RAW: 13, IPC_LOCK: 14, PERFMON: 38, BPF: 39 } as const;

/** Becomes nobody with these capabilities alone, in the calling thread and those that it starts. Needs root. */
export function becomeCapable(capabilities: readonly number[]): void {
  check(prctl(PR_SET_KEEPCAPS, 1), 'prctl(PR_SET_KEEPCAPS)');
  becomeNobody();
  const mask = [0, 0];
  for (const capability of capabilities) mask[capability >> 5]! |= 1 << (capability & 31);
  // Two sets of effective, permitted and inheritable ones: the numbers to 31, and the others.
  const sets = mask.flatMap((bits) => [bits >>> 0, bits >>> 0, 0]);
  check(capset(new Uint32Array([CAPABILITY_VERSION_3, 0]), new Uint32Array(sets)), 'capset');
}
