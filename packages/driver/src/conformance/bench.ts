import type { Arena } from '@nicshare/shm';
import type { Device } from '../device.js';

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
  /** The cable carries no shorter packets: a card fills them up. Default: an Ethernet header's length. */
  readonly shortest?: number;
  /** What is outside waits for a device that has no room, so that nothing is lost there. */
  readonly holdsBack?: boolean;
  /** Whether the device counts what it loses for want of frames. Default: true. */
  readonly countsLosses?: boolean;
  /** Closes the device and what is outside of it. */
  close(): void | Promise<void>;
}
