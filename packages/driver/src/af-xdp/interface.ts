import { NicshareError } from '@nicshare/shm';
import * as sys from '@nicshare/shm/sys';
import { AF_INET, libc } from '../sys.js';

// linux/sockios.h
const SIOCGIFFLAGS = 0x8913;
const SIOCGIFMTU = 0x8921;
const SIOCGIFHWADDR = 0x8927;
const SIOCGIFINDEX = 0x8933;
const SIOCETHTOOL = 0x8946;
const ETHTOOL_GCHANNELS = 0x3c;

// linux/if.h, linux/if_arp.h
const IFNAMSIZ = 16;
const IFREQ_BYTES = 40;
const IFF_UP = 0x1;
const IFF_RUNNING = 0x40;
const ARPHRD_ETHER = 1;
const ARPHRD_LOOPBACK = 772;

const SOCK_DGRAM = 2;

/** A network interface of the caller's network namespace, as netdevice(7) and ethtool show it. */
export interface InterfaceState {
  readonly name: string;
  readonly index: number;
  /** Six bytes. */
  readonly mac: Uint8Array;
  /** Longest payload of an Ethernet frame, in bytes. */
  readonly mtu: number;
  readonly up: boolean;
  /** Whether it has a carrier. */
  readonly running: boolean;
  /** Hardware queues. */
  readonly rxQueues: number;
  readonly txQueues: number;
}

/** Throws NicshareError InterfaceNotFound, or NotSupported where it is no Ethernet. */
export function readInterface(name: string): InterfaceState {
  if (name === '' || Buffer.byteLength(name) >= IFNAMSIZ) throw notFound(name);
  const fd = sys.check(sys.libc.socket(AF_INET, SOCK_DGRAM | sys.SOCK_CLOEXEC, 0), 'socket(AF_INET)');
  try {
    const hardware = query(fd, name, SIOCGIFHWADDR, 'SIOCGIFHWADDR');
    const type = hardware.readUInt16LE(IFNAMSIZ);
    if (type !== ARPHRD_ETHER && type !== ARPHRD_LOOPBACK)
      throw new NicshareError(
        'NotSupported',
        `The interface ${name} is no Ethernet.`,
        'Take an Ethernet one.',
      );
    const flags = query(fd, name, SIOCGIFFLAGS, 'SIOCGIFFLAGS').readUInt16LE(IFNAMSIZ);
    return {
      name,
      index: query(fd, name, SIOCGIFINDEX, 'SIOCGIFINDEX').readInt32LE(IFNAMSIZ),
      mac: new Uint8Array(hardware.subarray(IFNAMSIZ + 2, IFNAMSIZ + 8)),
      mtu: query(fd, name, SIOCGIFMTU, 'SIOCGIFMTU').readInt32LE(IFNAMSIZ),
      up: (flags & IFF_UP) !== 0,
      running: (flags & IFF_RUNNING) !== 0,
      ...readChannels(fd, name),
    };
  } finally {
    sys.libc.close(fd);
  }
}

/** Whether an interface has a carrier; one that has gone has none. */
export function readLink(name: string): 'up' | 'down' {
  const fd = sys.check(sys.libc.socket(AF_INET, SOCK_DGRAM | sys.SOCK_CLOEXEC, 0), 'socket(AF_INET)');
  try {
    const ifreq = request(name);
    const known = libc.ioctl(fd, SIOCGIFFLAGS, ifreq) === 0;
    return known && ifreq.readUInt16LE(IFNAMSIZ) & IFF_RUNNING ? 'up' : 'down';
  } finally {
    sys.libc.close(fd);
  }
}

const notFound = (name: string): NicshareError =>
  new NicshareError(
    'InterfaceNotFound',
    `There is no interface '${name}' in this network namespace.`,
    'Name one that `ip link` lists.',
  );

function request(name: string): Buffer {
  const ifreq = Buffer.alloc(IFREQ_BYTES);
  ifreq.write(name);
  return ifreq;
}

function query(fd: number, name: string, command: number, what: string): Buffer {
  const ifreq = request(name);
  if (libc.ioctl(fd, command, ifreq) === 0) return ifreq;
  const errno = sys.errno();
  throw errno === sys.ENODEV ? notFound(name) : new sys.SystemError(`ioctl(${what})`, errno);
}

/** struct ethtool_channels: a queue is either combined or of one direction; drivers that do not say have one. */
function readChannels(fd: number, name: string): { rxQueues: number; txQueues: number } {
  const channels = Buffer.alloc(36);
  channels.writeUInt32LE(ETHTOOL_GCHANNELS, 0);
  const ifreq = request(name);
  ifreq.writeBigUInt64LE(BigInt(sys.addressOf(channels)), IFNAMSIZ);
  if (libc.ioctl(fd, SIOCETHTOOL, ifreq) !== 0) return { rxQueues: 1, txQueues: 1 };
  const [rx, tx, combined] = [20, 24, 32].map((offset) => channels.readUInt32LE(offset));
  return { rxQueues: Math.max(1, rx! + combined!), txQueues: Math.max(1, tx! + combined!) };
}
