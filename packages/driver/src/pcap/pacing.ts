import { NicshareError } from '@nicshare/shm';

/** How fast a capture is replayed: as it was recorded, as fast as it is taken, or so many packets a second. */
export type ReplayRate = 'recorded' | 'flat-out' | number;

const NANOSECONDS = 1e9;

/**
 * Sets the times at which packets are due, which are the recorded ones before; returns the nanoseconds from the start
 * of one pass to that of the next. Recorded passes follow each other after the capture's mean gap.
 *
 * Throws NicshareError InvalidArgument where passes shall be repeated at the recorded rate and there is none.
 */
export function setDueTimes(due: Float64Array, rate: number | 'recorded', repeats: boolean): number {
  if (rate === 'recorded') return recordedPeriod(due, repeats);
  const gap = NANOSECONDS / rate;
  for (let i = 0; i < due.length; i++) due[i] = i * gap;
  return due.length * gap;
}

function recordedPeriod(due: Float64Array, repeats: boolean): number {
  const span = due.at(-1) ?? 0;
  if (repeats && due.length > 0 && span === 0)
    throw new NicshareError(
      'InvalidArgument',
      'The capture cannot be looped at its recorded rate, because all its packets have one time.',
      "Set device.rate to packets a second, or to 'flat-out'.",
    );
  return due.length > 1 ? span + span / (due.length - 1) : span;
}
