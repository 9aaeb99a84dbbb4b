import { parseMac } from '@nicshare/shm';
import { AF_INET6 } from '../sys.js';
import { parseIp, parsePrefix } from './addresses.js';
import { linkIndex } from './links.js';
import { attribute, NLM_F_CREATE, NLM_F_EXCL, u32Attribute } from './message.js';
import { change } from './request.js';

// linux/rtnetlink.h
const RTM_NEWADDR = 20;
const RTM_NEWROUTE = 24;
const RTM_NEWNEIGH = 28;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RT_TABLE_MAIN = 254;
const RTPROT_STATIC = 4;
const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_LINK = 253;
const RTN_UNICAST = 1;
// linux/if_addr.h
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_F_NODAD = 0x02;
// linux/neighbour.h
const NDA_DST = 1;
const NDA_LLADDR = 2;
const NUD_PERMANENT = 0x80;

const CREATE = NLM_F_CREATE | NLM_F_EXCL;

/** Gives an interface an address: '10.0.0.1/24'. An IPv6 one is usable at once. Throws SystemError. */
export function addAddress(link: string, prefix: string): void {
  const { family, bytes, length } = parsePrefix(prefix);
  const ifaddrmsg = Buffer.alloc(8);
  ifaddrmsg[0] = family;
  ifaddrmsg[1] = length;
  ifaddrmsg[2] = family === AF_INET6 ? IFA_F_NODAD : 0;
  ifaddrmsg.writeUInt32LE(linkIndex(link), 4);
  const parts = [ifaddrmsg, attribute(IFA_LOCAL, bytes), attribute(IFA_ADDRESS, bytes)];
  change(`add the address ${prefix} to ${link}`, RTM_NEWADDR, CREATE, parts);
}

/** Says for good which MAC address an IP address has, so that nobody asks by ARP. Throws SystemError. */
export function addNeighbour(link: string, ip: string, mac: string): void {
  const { family, bytes } = parseIp(ip);
  const ndmsg = Buffer.alloc(12);
  ndmsg[0] = family;
  ndmsg.writeInt32LE(linkIndex(link), 4);
  ndmsg.writeUInt16LE(NUD_PERMANENT, 8);
  const parts = [ndmsg, attribute(NDA_DST, bytes), attribute(NDA_LLADDR, parseMac(mac))];
  change(`add the neighbour ${ip} on ${link}`, RTM_NEWNEIGH, CREATE, parts);
}

/** Leads '10.1.0.0/16' ('0.0.0.0/0': all) through an interface, by a gateway where one is named. Throws SystemError. */
export function addRoute(link: string, destination: string, gateway?: string): void {
  const { family, bytes, length } = parsePrefix(destination);
  const rtmsg = Buffer.alloc(12);
  rtmsg[0] = family;
  rtmsg[1] = length;
  rtmsg[4] = RT_TABLE_MAIN;
  rtmsg[5] = RTPROT_STATIC;
  rtmsg[6] = gateway === undefined ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  rtmsg[7] = RTN_UNICAST;
  const parts = [rtmsg, attribute(RTA_DST, bytes), u32Attribute(RTA_OIF, linkIndex(link))];
  if (gateway !== undefined) parts.push(attribute(RTA_GATEWAY, parseIp(gateway).bytes));
  change(`add the route ${destination} through ${link}`, RTM_NEWROUTE, CREATE, parts);
}
