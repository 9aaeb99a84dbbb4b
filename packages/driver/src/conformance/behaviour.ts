import type { Bench } from './bench.js';
import type { Driver } from './driver.js';

/** What the suite asks of a test runner's context; ava's has it. */
export interface Assertions {
  true(value: unknown, message?: string): unknown;
  false(value: unknown, message?: string): unknown;
  is(value: unknown, expected: unknown, message?: string): unknown;
  notThrows(body: () => void, message?: string): unknown;
  deepEqual(value: unknown, expected: unknown, message?: string): unknown;
}

/** Registers a test of one behaviour, on a device opened for it. */
export type Behaviour = (
  title: string,
  body: (t: Assertions, bench: Bench, driver: Driver) => Promise<void> | void,
) => void;
