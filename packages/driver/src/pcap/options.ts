import { NicshareError } from '@nicshare/shm';
import type { ReplayRate } from './pacing.js';

/**
 * A device that replays a capture and records what is sent. The replay begins with the first rxBurst after
 * `start`; at its end the device stays open and is quiet. The frames that it hands out may only be read.
 */
export interface PcapOptions {
  readonly driver: 'pcap';
  /** A capture of Ethernet packets, in pcap or pcapng. */
  readonly file: string;
  /** 'recorded', 'flat-out', or packets a second. Default 'recorded'. */
  readonly rate?: ReplayRate | undefined;
  /** How many times it is replayed; true: without end. Default false: once. */
  readonly loop?: boolean | number | undefined;
  /** Where to record what is sent, in pcapng; the file is written anew. Default: nowhere, it is discarded. */
  readonly record?: string | undefined;
  /** Most memory that the capture's packets may take, in bytes; each takes a frame. Default 256 MiB. */
  readonly memory?: number | undefined;
  /** Hardware rings for each direction: there is one. */
  readonly rings?: 1 | undefined;
}

export const DEFAULT_MEMORY = 256 * 2 ** 20;
export const MAX_PASSES = 0xffffffff;

/** Options with all defaults filled in. */
export interface ReplaySettings {
  readonly file: string;
  readonly rate: ReplayRate;
  /** Infinity: without end. */
  readonly passes: number;
  readonly record: string | undefined;
  readonly memory: number;
}

function requireThat(condition: boolean, what: string, action: string): void {
  if (!condition) throw new NicshareError('InvalidArgument', `The pcap device cannot have ${what}.`, action);
}

const passesOf = (loop: boolean | number): number =>
  loop === true ? Number.POSITIVE_INFINITY : loop === false ? 1 : loop;

/** Throws NicshareError InvalidArgument. */
export function replaySettings(options: PcapOptions): ReplaySettings {
  const { file, rate = 'recorded', loop = false, record, memory = DEFAULT_MEMORY, rings = 1 } = options;
  const passes = passesOf(loop);
  requireThat(
    rate === 'recorded' || rate === 'flat-out' || (Number.isFinite(rate) && rate > 0),
    `the rate ${rate}`,
    "rate is 'recorded', 'flat-out', or packets a second.",
  );
  requireThat(
    passes === Number.POSITIVE_INFINITY || (Number.isInteger(passes) && passes >= 1 && passes <= MAX_PASSES),
    `a loop of ${loop}`,
    `loop is true, false, or a count from 1 to ${MAX_PASSES}.`,
  );
  requireThat(memory > 0, `a memory of ${memory} bytes`, 'memory is a number of bytes.');
  requireThat(rings === 1, `${rings} rings`, 'A capture has one.');
  return { file, rate, passes, record, memory };
}
