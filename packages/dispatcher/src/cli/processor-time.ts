import { readFileSync } from 'node:fs';

/** sysconf(_SC_CLK_TCK), which Linux shows to user space as 100 on all its architectures (USER_HZ). */
const TICKS_A_SECOND = 100;

/** Processor time in the line of /proc/PID/stat (proc(5)), in seconds. */
export function processorSecondsIn(stat: string): number {
  // The second field is the program's name, in parentheses, and may hold spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [utime, stime] = [fields[11], fields[12]].map(Number);
  return (utime! + stime!) / TICKS_A_SECOND;
}

/** Processor time of a process since its start, in seconds; undefined where this user may not see it. */
export function processorSeconds(pid: number): number | undefined {
  try {
    return processorSecondsIn(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}
