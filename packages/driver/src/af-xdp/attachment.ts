import * as sys from '@nicshare/shm/sys';
import { createSocketMap, createXdpLink, loadXdpProgram, updateLink, updateMap } from '../bpf/calls.js';
import type { RuleCoverage, RuleSet } from '../rules.js';
import { xdpProgram } from './program.js';

const NAME = 'nicshare';

/** Where the XDP program runs: in the driver, or in the kernel after it made its own buffer of the packet. */
export type AttachMode = 'native' | 'generic';

// XDP_FLAGS_* (linux/if_link.h)
const MODE_FLAGS: Readonly<Record<AttachMode, number>> = { generic: 1 << 1, native: 1 << 2 };

function loadRules(
  rules: RuleSet,
  socketMap: number,
  stamps: boolean,
): { program: number; coverage: RuleCoverage } {
  const { instructions, coverage } = xdpProgram(rules, socketMap, stamps);
  return { program: loadXdpProgram(NAME, instructions), coverage };
}

/**
 * An interface's XDP program. A link holds it and a descriptor holds the link, so it leaves the interface with the
 * process, however that ends.
 */
export class XdpAttachment {
  readonly #socketMap: number;
  readonly #stamps: boolean;
  readonly #link: number;

  /**
   * Attaches a program; `sockets` are the descriptors of the hardware queues' sockets, from queue 0 on; `stamps`: the
   * time stands before each packet. Throws SystemError: EBUSY or EEXIST where another program is attached.
   */
  constructor(ifindex: number, mode: AttachMode, sockets: readonly number[], rules: RuleSet, stamps = false) {
    this.#stamps = stamps;
    this.#socketMap = createSocketMap(NAME, sockets.length);
    try {
      sockets.forEach((socket, queue) => {
        updateMap(this.#socketMap, queue, socket);
      });
      const { program } = loadRules(rules, this.#socketMap, stamps);
      try {
        this.#link = createXdpLink(program, ifindex, MODE_FLAGS[mode]);
      } finally {
        sys.libc.close(program);
      }
    } catch (error) {
      sys.libc.close(this.#socketMap);
      throw error;
    }
  }

  /** Puts a program of new rules in the old one's place; every packet meets one of them. Throws SystemError. */
  replace(rules: RuleSet): RuleCoverage {
    const { program, coverage } = loadRules(rules, this.#socketMap, this.#stamps);
    try {
      updateLink(this.#link, program);
    } finally {
      sys.libc.close(program);
    }
    return coverage;
  }

  close(): void {
    sys.libc.close(this.#link);
    sys.libc.close(this.#socketMap);
  }
}
