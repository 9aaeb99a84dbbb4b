import type { Device } from '@nicshare/driver';
import type { ActiveSession } from './sessions.js';

/** Starts a device that waits to be, once enough queues have a client. */
export class DeviceStart {
  readonly #device: Device;
  readonly #wanted: number;
  #started = false;

  constructor(device: Device, wanted: number) {
    this.#device = device;
    this.#wanted = wanted;
  }

  /** To be called whenever a session has begun. Who leaves later does not stop the device. */
  look(sessions: readonly Pick<ActiveSession, 'queue'>[]): void {
    if (this.#started || new Set(sessions.map(({ queue }) => queue)).size < this.#wanted) return;
    this.#started = true;
    this.#device.start?.();
  }
}
