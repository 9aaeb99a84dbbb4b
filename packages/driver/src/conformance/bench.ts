import type { Arena } from '@nicshare/shm';
import type { Device } from '../device.js';
import type { Driver } from './driver.js';

/** What is at the other end of the device's cable. */
export interface Outside {
  /** Sends a packet to the device. */
  send(packet: Uint8Array): void;
  /** Takes what the device has sent and what has come so far. */
  receive(): Uint8Array[];
}

/** An open device of a test. */
export interface Bench {
  readonly device: Device;
  readonly arena: Arena;
  /** As in the device's context. */
  readonly ringSize: number;
  readonly outside: Outside;
  /** Closes the device and what is outside of it. */
  close(): void | Promise<void>;
}

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
