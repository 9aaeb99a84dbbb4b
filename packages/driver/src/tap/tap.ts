import * as sys from '@nicshare/shm/sys';
import { addAddress, setLink } from '../netlink/index.js';
import { libc, O_NONBLOCK, O_RDWR, TUN_DEVICE } from '../sys.js';
import { addressRefused, openRefused, tapRefused } from './errors.js';
import { standIn } from './stand-in.js';

// linux/if_tun.h
const TUNSETIFF = 0x400454ca;
const IFF_TAP = 0x0002;
const IFF_MULTI_QUEUE = 0x0100;
const IFF_NO_PI = 0x1000;
/** Fails where an interface of that name exists, also one that anybody may attach to. */
const IFF_TUN_EXCL = 0x8000;
// linux/if.h
const IFNAMSIZ = 16;
const IFREQ_BYTES = 40;

export interface TapOptions {
  /** At most 15 characters. */
  readonly name: string;
  /** '02:00:00:00:00:01' */
  readonly mac: string;
  /** Longest payload of an Ethernet frame, in bytes. */
  readonly mtu: number;
  /** Each has a descriptor of its own. */
  readonly queues: number;
  /** With prefix lengths: '10.0.0.1/24'; or an interface whose addresses and routes it takes over while it lives. */
  readonly addresses: readonly string[] | { readonly of: string };
  /** Takes lines for the operator. */
  readonly note: (line: string) => void;
}

/**
 * An interface of the kernel whose far end is this process (Documentation/networking/tuntap.rst): what is written is
 * received by the kernel, what the kernel sends is read, whole Ethernet packets without offloads. It goes with its
 * descriptors, however the process ends. `read` and `write` never block; addresses are the process's own.
 */
export class Tap {
  readonly name: string;
  /** One a queue; readable when the kernel has sent a packet by it. */
  readonly descriptors: readonly number[];

  private constructor(name: string, descriptors: readonly number[]) {
    this.name = name;
    this.descriptors = descriptors;
  }

  /**
   * Makes the interface in the calling thread's network namespace, and brings it up. Throws NicshareError
   * NotSupported, NotPermitted, InterfaceTaken, InvalidArgument or DeviceFailed.
   */
  static open(options: TapOptions): Tap {
    const descriptors: number[] = [];
    try {
      for (let queue = 0; queue < options.queues; queue++) {
        const fd = libc.open(TUN_DEVICE, O_RDWR | O_NONBLOCK | sys.O_CLOEXEC);
        if (fd < 0) throw openRefused(options.name, sys.errno());
        descriptors.push(fd);
        attachQueue(fd, options.name, queue === 0);
      }
      configure(options);
      return new Tap(options.name, descriptors);
    } catch (error) {
      for (const fd of descriptors) sys.libc.close(fd);
      throw error;
    }
  }

  /** Hands a packet to the kernel; returns 0, or the error number. */
  write(queue: number, address: number, length: number): number {
    return libc.write(this.descriptors[queue], address, length) < 0 ? sys.errno() : 0;
  }

  /** Takes a packet that the kernel sends: returns its length, or the error number as a negative one (-EAGAIN: none). */
  read(queue: number, address: number, capacity: number): number {
    const length = Number(libc.read(this.descriptors[queue], address, capacity));
    return length < 0 ? -sys.errno() : length;
  }

  /** Removes the interface. */
  close(): void {
    for (const fd of this.descriptors) sys.libc.close(fd);
  }
}

/** The first queue makes the interface, the others join it. */
function attachQueue(fd: number, name: string, first: boolean): void {
  const ifreq = Buffer.alloc(IFREQ_BYTES);
  ifreq.write(name, 0, IFNAMSIZ - 1);
  const flags = IFF_TAP | IFF_NO_PI | IFF_MULTI_QUEUE | (first ? IFF_TUN_EXCL : 0);
  ifreq.writeUInt16LE(flags, IFNAMSIZ);
  if (libc.ioctl(fd, TUNSETIFF, ifreq) < 0) throw tapRefused(name, sys.errno());
}

function configure({ name, mac, mtu, addresses, note }: TapOptions): void {
  try {
    setLink(name, { mac, mtu });
    setLink(name, { up: true });
    if ('of' in addresses) standIn(name, addresses.of).forEach(note);
    else for (const address of addresses) giveAddress(name, address);
  } catch (error) {
    throw error instanceof sys.SystemError ? tapRefused(name, error.errno) : error;
  }
}

function giveAddress(name: string, address: string): void {
  try {
    addAddress(name, address);
  } catch (error) {
    throw error instanceof sys.SystemError ? addressRefused(name, address, error) : error;
  }
}
