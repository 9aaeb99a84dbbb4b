import test, { type ExecutionContext } from 'ava';
import { guestImage } from './image.js';
import { LabUnavailable } from './lab-error.js';
import type { Qemu } from './qemu.js';

/** A boot, and an emulated processor that shares two cores with others. */
const PATIENCE_MS = 600_000;

/** Whether guests can run here: the emulator, or why not. */
function possible(find: () => Qemu): Qemu | string {
  if (process.env.NICSHARE_LAB === 'off') return 'NICSHARE_LAB=off';
  try {
    guestImage();
    return find();
  } catch (error) {
    if (error instanceof LabUnavailable) return error.message;
    throw error;
  }
}

/** Registers tests that need a guest; they are skipped with the reason where there can be none. */
export function labTests(
  find: () => Qemu,
): (title: string, run: (qemu: Qemu, t: ExecutionContext) => Promise<void>) => void {
  const found = possible(find);
  return (title, run) => {
    if (typeof found === 'string') {
      test.serial.skip(`${title} (skipped: ${found})`, () => {});
      return;
    }
    test.serial(title, async (t) => {
      t.timeout(PATIENCE_MS);
      await run(found, t);
    });
  };
}
