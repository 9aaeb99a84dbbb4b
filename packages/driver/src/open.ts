import { type AfXdpOptions, openAfXdp } from './af-xdp/device.js';
import type { Device, DeviceContext } from './device.js';
import { type E1000eOptions, openE1000e } from './e1000e/device.js';
import { type FakeOptions, openFake } from './fake/device.js';
import { type IgbOptions, openIgb } from './igb/device.js';
import { type NullOptions, openNull } from './null/device.js';
import { openPcap, type PcapOptions } from './pcap/device.js';
import { openVirtioNet, type VirtioNetOptions } from './virtio-net/device.js';

export type DeviceOptions =
  | AfXdpOptions
  | E1000eOptions
  | FakeOptions
  | IgbOptions
  | NullOptions
  | PcapOptions
  | VirtioNetOptions;

/** Opens a device by its driver's name. Throws NicshareError. */
export function openDevice(options: DeviceOptions, context: DeviceContext): Device {
  switch (options.driver) {
    case 'af_xdp':
      return openAfXdp(options, context);
    case 'e1000e':
      return openE1000e(options, context);
    case 'fake':
      return openFake(options, context);
    case 'igb':
      return openIgb(options, context);
    case 'null':
      return openNull(options, context);
    case 'pcap':
      return openPcap(options, context);
    case 'virtio-net':
      return openVirtioNet(options, context);
  }
}
