import * as shm from '@nicshare/shm/sys';
import { AF_INET, libc, SIOCETHTOOL, SOCK_DGRAM } from './sys.js';

/** Commands of linux/ethtool.h that switch one kind of offload. */
const SWITCHES = {
  txChecksum: 0x17,
  tso: 0x1f,
  gso: 0x24,
  gro: 0x2c,
} as const;

export type Offload = keyof typeof SWITCHES;

const IFNAMSIZ = 16;

/** Switches offloads of an interface of the caller's namespace on or off (ETHTOOL_S* by ioctl). Throws SystemError. */
export function setOffloads(link: string, offloads: Partial<Record<Offload, boolean>>): void {
  const fd = shm.check(shm.libc.socket(AF_INET, SOCK_DGRAM | shm.SOCK_CLOEXEC, 0), 'socket');
  try {
    for (const [name, on] of Object.entries(offloads) as [Offload, boolean][]) {
      const value = Buffer.alloc(8);
      value.writeUInt32LE(SWITCHES[name], 0);
      value.writeUInt32LE(on ? 1 : 0, 4);
      const ifreq = Buffer.alloc(40);
      ifreq.write(link, 0, IFNAMSIZ - 1);
      ifreq.writeBigUInt64LE(BigInt(shm.addressOf(value)), IFNAMSIZ);
      shm.check(libc.ioctl(fd, SIOCETHTOOL, ifreq), `switch ${name} offload of ${link} ${on ? 'on' : 'off'}`);
    }
  } finally {
    shm.libc.close(fd);
  }
}
