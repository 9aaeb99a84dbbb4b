import { setTimeout as delay } from 'node:timers/promises';

const BOUND_MS = 60_000;

/** Waits until a condition holds. Throws after a minute, which no test should come near. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + BOUND_MS;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`Waited in vain: ${what}`);
    await delay(1);
  }
}
