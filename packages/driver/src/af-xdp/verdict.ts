import * as sys from '@nicshare/shm/sys';
import { createSocketMap, loadXdpProgram, MIN_XDP_PACKET, runXdpProgram, updateMap } from '../bpf/calls.js';
import type { RuleSet } from '../rules.js';
import { explained } from './errors.js';
import { XDP_DROP, XDP_PASS, XDP_REDIRECT, xdpProgram } from './program.js';
import { newXdpSocket, setRxRing } from './socket.js';

export type Verdict = 'redirect' | 'pass' | 'drop';

const VERDICTS: Readonly<Record<number, Verdict>> = {
  [XDP_REDIRECT]: 'redirect',
  [XDP_PASS]: 'pass',
  [XDP_DROP]: 'drop',
};

/**
 * What the kernel does with each packet under these rules, asked by BPF_PROG_TEST_RUN: no interface is needed, root
 * is. Throws RangeError for a packet of less than 14 bytes, which the kernel shows to no XDP program, and
 * NicshareError NotPermitted or NotSupported.
 */
export function programVerdicts(rules: RuleSet, packets: readonly Uint8Array[]): Verdict[] {
  const short = packets.find((packet) => packet.length < MIN_XDP_PACKET);
  if (short) throw new RangeError(`XDP programs meet no packet of ${short.length} bytes`);
  const open: number[] = [];
  const keep = (fd: number): number => {
    open.push(fd);
    return fd;
  };
  try {
    const socket = keep(newXdpSocket());
    setRxRing(socket, 64);
    const socketMap = keep(createSocketMap('nicshare_test', 1));
    updateMap(socketMap, 0, socket);
    const program = keep(loadXdpProgram('nicshare_test', xdpProgram(rules, socketMap).instructions));
    return packets.map((packet) => {
      const action = runXdpProgram(program, packet);
      const verdict = VERDICTS[action];
      if (verdict === undefined)
        throw new Error(`The XDP program returned ${action}, which is no verdict of ours`);
      return verdict;
    });
  } catch (error) {
    throw explained(error, 'a test program');
  } finally {
    for (const fd of open) sys.libc.close(fd);
  }
}
