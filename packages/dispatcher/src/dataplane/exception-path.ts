import { type Device, type DeviceInfo, Tap, type TapOptions } from '@nicshare/driver';
import { formatMac, layout } from '@nicshare/shm';
import * as sys from '@nicshare/shm/sys';
import type { KernelCalls } from './plane.js';
import * as T from './tables.js';

/** The interface by which the kernel gets what no queue takes, with all defaults filled in. */
export interface TapSettings {
  readonly name: string;
  /** The device's, or '02:00:00:00:00:01'. */
  readonly mac: string;
  /** With prefix lengths; or those of the device's interface, and its routes. */
  readonly addresses: readonly string[] | 'device';
  /** As many as the device has RxQueues, or a number of them. */
  readonly queues: number | 'rings';
}

export interface ExceptionPathContext {
  readonly memory: WebAssembly.Memory;
  readonly frameSize: number;
  readonly device: Device;
  readonly note: (line: string) => void;
}

/** Whether the kernel's queue may wake us: `gone`: never again; `device full`: not before there is room. */
export type Stall = 'no' | 'device full' | 'gone';

/**
 * The dataplane's way to the kernel and back: a TAP interface, the calls by which the dataplane module moves packets,
 * and what the sleeper has to know of it. It lives as long as the dataplane's thread.
 */
export class ExceptionPath implements KernelCalls {
  readonly #tap: Tap;
  readonly #device: Device;
  readonly #note: (line: string) => void;
  /** Address of the arena's offset 0. */
  readonly #base: number;
  readonly #readable: readonly sys.PollSet[];
  readonly #gone: boolean[];
  #down = false;

  /** Makes the interface. Throws what Tap.open throws. */
  constructor(settings: TapSettings, context: ExceptionPathContext) {
    const { memory, device, note } = context;
    this.#tap = Tap.open(tapOptions(settings, device.info, note));
    this.#device = device;
    this.#note = note;
    this.#base = sys.addressOf(new Uint8Array(memory.buffer));
    this.#readable = this.descriptors.map((fd) => new sys.PollSet([fd]));
    this.#gone = this.descriptors.map(() => false);
    this.#writeTable(context);
  }

  #writeTable({ memory, device, frameSize }: ExceptionPathContext): void {
    const { maxPacket, txQueues } = device.info;
    const table = new DataView(memory.buffer, T.PLANE);
    table.setUint32(T.PLANE_KERNEL_QUEUES, this.descriptors.length, true);
    table.setUint32(T.PLANE_TX_QUEUES, txQueues, true);
    table.setUint32(T.PLANE_MAX_PACKET, maxPacket, true);
    table.setUint32(T.PLANE_KERNEL_CAPACITY, Math.min(maxPacket + 1, frameSize), true);
  }

  /** The kernel's name of it. */
  get interface(): string {
    return this.#tap.name;
  }

  /** One of each of the kernel's queues, to sleep on. */
  get descriptors(): readonly number[] {
    return this.#tap.descriptors;
  }

  readonly write = (queue: number, packet: number, length: number): number => {
    const errno = this.#tap.write(queue, this.#base + packet, length);
    if (errno !== 0) return this.#refusal(queue, errno);
    this.#down = false;
    return T.KERNEL_TOOK;
  };

  readonly read = (queue: number, frame: number, capacity: number): number => {
    const length = this.#tap.read(queue, this.#base + frame, capacity);
    if (length >= 0) return length;
    if (length === -sys.EBADFD) this.#noteGone(queue);
    return 0;
  };

  /** Why the kernel did not take a packet, by Documentation/networking/tuntap.rst and what its driver returns. */
  #refusal(queue: number, errno: number): number {
    switch (errno) {
      case sys.EAGAIN:
      case sys.ENOBUFS:
      case sys.ENOMEM:
        return T.KERNEL_FULL;
      case sys.EIO:
        this.#noteDown();
        return T.KERNEL_DOWN;
      case sys.EBADFD:
        this.#noteGone(queue);
        return T.KERNEL_GONE;
      default:
        return T.KERNEL_REFUSED;
    }
  }

  #noteDown(): void {
    if (this.#down) return;
    this.#down = true;
    this.#note(
      `${this.interface} is down: what no queue takes is lost until it is up again (ip link set ${this.interface} up).`,
    );
  }

  #noteGone(queue: number): void {
    if (!this.#gone.includes(true))
      this.#note(
        `${this.interface} was removed: what no queue takes is lost until the dispatcher is started again.`,
      );
    this.#gone[queue] = true;
  }

  /** Asked before a sleep: a descriptor of a queue that stalls would wake us for nothing. */
  stall(queue: number): Stall {
    if (this.#gone[queue]) return 'gone';
    const { fastPath, info } = this.#device;
    if (fastPath.txReserve(queue % info.txQueues, T.TX_BATCH, 1) > 0) return 'no';
    return this.#readable[queue]!.wait(0) > 0 ? 'device full' : 'no';
  }

  /** Removes the interface. */
  close(): void {
    this.#tap.close();
  }
}

/** The interface looks to the network as the device does. */
function tapOptions(settings: TapSettings, info: DeviceInfo, note: (line: string) => void): TapOptions {
  const { mac, maxPacket, rxQueues } = info;
  const { name, addresses, queues } = settings;
  return {
    name,
    addresses: addresses === 'device' ? { of: info.interface } : addresses,
    note,
    mac: settings.mac === 'device' ? formatMac(mac) : settings.mac,
    mtu: maxPacket - layout.ETHERNET_HEADER,
    queues: queues === 'rings' ? rxQueues : Math.min(queues, rxQueues),
  };
}
