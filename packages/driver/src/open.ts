import { type AfXdpOptions, openAfXdp } from './af-xdp/device.js';
import type { Device, DeviceContext } from './device.js';
import { type FakeOptions, openFake } from './fake/device.js';

export type DeviceOptions = AfXdpOptions | FakeOptions;

/** Opens a device by its driver's name. Throws NicshareError. */
export function openDevice(options: DeviceOptions, context: DeviceContext): Device {
  switch (options.driver) {
    case 'af_xdp':
      return openAfXdp(options, context);
    case 'fake':
      return openFake(options, context);
  }
}
