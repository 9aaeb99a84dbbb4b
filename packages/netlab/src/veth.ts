import {
  attribute,
  change,
  IFLA_ADDRESS,
  IFLA_IFNAME,
  IFLA_MTU,
  IFLA_NUM_RX_QUEUES,
  IFLA_NUM_TX_QUEUES,
  ifinfomsg,
  NLM_F_CREATE,
  NLM_F_EXCL,
  nestedAttribute,
  RTM_NEWLINK,
  textAttribute,
  u32Attribute,
} from '@nicshare/driver/netlink';
import { parseMac } from '@nicshare/shm';

// linux/if_link.h, linux/veth.h
const IFLA_LINKINFO = 18;
const IFLA_NET_NS_PID = 19;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const VETH_INFO_PEER = 1;

/** One end of a veth pair that is to be made. */
export interface VethEnd {
  readonly name: string;
  /** '02:00:00:00:00:01'; one that the kernel chooses where it is left out. */
  readonly mac?: string;
  /** RX queues, and as many TX queues; 1 where it is left out. */
  readonly queues?: number;
  readonly mtu?: number;
  /** A process in whose namespace the end shall be; the caller's where it is left out. */
  readonly namespacePid?: number;
}

function endAttributes(end: VethEnd): Buffer[] {
  const queues = end.queues ?? 1;
  const attributes = [
    textAttribute(IFLA_IFNAME, end.name),
    u32Attribute(IFLA_NUM_TX_QUEUES, queues),
    u32Attribute(IFLA_NUM_RX_QUEUES, queues),
  ];
  if (end.mac !== undefined) attributes.push(attribute(IFLA_ADDRESS, parseMac(end.mac)));
  if (end.mtu !== undefined) attributes.push(u32Attribute(IFLA_MTU, end.mtu));
  if (end.namespacePid !== undefined) attributes.push(u32Attribute(IFLA_NET_NS_PID, end.namespacePid));
  return attributes;
}

/** Makes a veth pair (veth(4)); both ends are down. Throws SystemError, EEXIST where a name is taken. */
export function createVeth(one: VethEnd, other: VethEnd): void {
  change(`create the veth pair ${one.name}, ${other.name}`, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, [
    ifinfomsg(0),
    ...endAttributes(one),
    nestedAttribute(IFLA_LINKINFO, [
      textAttribute(IFLA_INFO_KIND, 'veth'),
      nestedAttribute(IFLA_INFO_DATA, [
        nestedAttribute(VETH_INFO_PEER, [ifinfomsg(0), ...endAttributes(other)]),
      ]),
    ]),
  ]);
}
