import * as sys from '@nicshare/shm/sys';
import { get, getGeneric, readAttributes, textAttribute, u32Attribute } from '../netlink/index.js';

/* What the kernel says of an interface and XDP, asked without touching the interface and without privileges. */

// linux/rtnetlink.h, linux/if_link.h
const RTM_GETLINK = 18;
const IFINFOMSG = 16;
const IFLA_XDP = 43;
const IFLA_XDP_ATTACHED = 2;
const IFLA_XDP_PROG_ID = 4;
const ATTACHED_IN = ['none', 'native', 'generic', 'hardware', 'several'] as const;

/** The XDP program of an interface. */
export interface XdpState {
  /** Where it runs; 'several' where one runs in more than one place. */
  readonly attached: (typeof ATTACHED_IN)[number];
  /** The kernel's number of the program, as bpftool shows it; 0 where there is none, or several. */
  readonly program: number;
}

/** Throws SystemError ENODEV where there is no such interface. */
export function readXdpState(ifindex: number): XdpState {
  const request = Buffer.alloc(IFINFOMSG);
  request.writeInt32LE(ifindex, 4);
  const link = get('rtnetlink(RTM_GETLINK)', RTM_GETLINK, request);
  const xdp = readAttributes(readAttributes(link.subarray(IFINFOMSG)).get(IFLA_XDP) ?? Buffer.alloc(0));
  return {
    attached: ATTACHED_IN[xdp.get(IFLA_XDP_ATTACHED)?.readUInt8(0) ?? 0] ?? 'several',
    program: xdp.get(IFLA_XDP_PROG_ID)?.readUInt32LE(0) ?? 0,
  };
}

// linux/genetlink.h
const GENL_ID_CTRL = 0x10;
const CTRL_CMD_GETFAMILY = 3;
const CTRL_ATTR_FAMILY_ID = 1;
const CTRL_ATTR_FAMILY_NAME = 2;
const GENLMSGHDR = 4;
// linux/netdev.h
const NETDEV_CMD_DEV_GET = 1;
const NETDEV_A_DEV_IFINDEX = 1;
const NETDEV_A_DEV_XDP_FEATURES = 3;
const NETDEV_XDP_ACT_BASIC = 1;
const NETDEV_XDP_ACT_REDIRECT = 2;
const NETDEV_XDP_ACT_XSK_ZEROCOPY = 8;

/** What the driver of an interface can do (Documentation/netlink/specs/netdev.yaml). */
export interface XdpFeatures {
  /** It runs XDP programs and redirects to AF_XDP sockets. */
  readonly native: boolean;
  /** The card writes into the sockets' memory itself. */
  readonly zeroCopy: boolean;
}

const genlmsghdr = (command: number): Buffer => Buffer.from([command, 1, 0, 0]);

/** Undefined where the kernel does not say: it does from Linux 6.3 on. Throws SystemError. */
export function readXdpFeatures(ifindex: number): XdpFeatures | undefined {
  try {
    const name = textAttribute(CTRL_ATTR_FAMILY_NAME, 'netdev');
    const request = Buffer.concat([genlmsghdr(CTRL_CMD_GETFAMILY), name]);
    const family = ask('genetlink(CTRL_CMD_GETFAMILY)', GENL_ID_CTRL, request);
    const device = Buffer.concat([
      genlmsghdr(NETDEV_CMD_DEV_GET),
      u32Attribute(NETDEV_A_DEV_IFINDEX, ifindex),
    ]);
    const id = family.get(CTRL_ATTR_FAMILY_ID)!.readUInt16LE(0);
    const answer = ask('genetlink(NETDEV_CMD_DEV_GET)', id, device);
    const features = answer.get(NETDEV_A_DEV_XDP_FEATURES)!.readUInt32LE(0);
    const basic = NETDEV_XDP_ACT_BASIC | NETDEV_XDP_ACT_REDIRECT;
    return {
      native: (features & basic) === basic,
      zeroCopy: (features & NETDEV_XDP_ACT_XSK_ZEROCOPY) !== 0,
    };
  } catch (error) {
    if (error instanceof sys.SystemError && error.errno === sys.ENOENT) return undefined;
    throw error;
  }
}

const ask = (what: string, family: number, request: Buffer): Map<number, Buffer> =>
  readAttributes(getGeneric(what, family, request).subarray(GENLMSGHDR));
