import * as netlink from '@nicshare/driver/netlink';
import { stackLayout as S } from '@nicshare/shm';
import type { KernelTables } from './decisions.js';
import type { SnapshotImage } from './image.js';
import { numberToWords, toNumber } from './ip.js';
import { groupSource } from './ipv4-source.js';
import { nameWords } from './route-table.js';

function addressFlags({ family, flags }: netlink.ObservedAddress): number {
  const unproven = flags & (netlink.IFA_F_TENTATIVE | netlink.IFA_F_DADFAILED);
  const optimistic = flags & netlink.IFA_F_OPTIMISTIC;
  const failed = flags & netlink.IFA_F_DADFAILED;
  const usable = unproven === 0 || (optimistic !== 0 && failed === 0);
  const temporary = family === netlink.AF_INET6 && (flags & netlink.IFA_F_SECONDARY) !== 0;
  return (
    (usable ? S.ADDRESS_USABLE : 0) |
    (flags & netlink.IFA_F_DEPRECATED ? S.ADDRESS_DEPRECATED : 0) |
    (temporary ? S.ADDRESS_TEMPORARY : 0)
  );
}

/** Writes the interface and its addresses to the snapshot; returns how many addresses it has no room for. */
export function writeInterface(
  image: SnapshotImage,
  tables: KernelTables,
  link: netlink.ObservedLink | undefined,
): number {
  const index = link?.index ?? 0;
  image.set(S.INTERFACE_INDEX, index);
  image.set(S.INTERFACE_MTU, link?.mtu ?? 0);
  image.set(S.INTERFACE_SOURCE, Number(groupSource(tables.addresses, index) & 0xffffffffn));
  if (link) image.setWords(S.INTERFACE_NAME, nameWords(link.name));
  const own = tables.addresses.filter((address) => address.interfaceIndex === index);
  const taken = own.slice(0, S.MAX_ADDRESSES);
  const words = new Uint32Array(4);
  for (const [i, address] of taken.entries()) {
    const at = S.ADDRESSES + i * S.ADDRESS_BYTES;
    image.setWords(at + S.ADDRESS_ADDRESS, numberToWords(toNumber(address.address, false), words));
    image.set(at + S.ADDRESS_PREFIX, address.prefixLength);
    image.set(at + S.ADDRESS_FLAGS, addressFlags(address));
  }
  image.set(S.COUNT_ADDRESSES, taken.length);
  return own.length - taken.length;
}
