export {
  addAddress,
  addNeighbour,
  addRoute,
  deleteLink,
  type Link,
  linkIndex,
  listLinks,
  setLink,
} from '@nicshare/driver/netlink';
export { type Offload, setOffloads } from './ethtool.js';
export { createNamespace, Namespace } from './namespace.js';
export type { OperationName, Operations } from './operations.js';
export { enterNewNamespace, type NamespaceOptions } from './own-namespace.js';
export { PacketSocket } from './packet-socket.js';
export { canCreateNamespaces, isRoot } from './privileges.js';
export { enterCommand, spawnInside } from './spawn.js';
export { createVeth, type VethEnd } from './veth.js';
export { createVethPair, type VethPairEnd, type VethPairOptions } from './veth-pair.js';
