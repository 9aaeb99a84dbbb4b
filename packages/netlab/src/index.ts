export { type Offload, setOffloads } from './ethtool.js';
export { createNamespace, Namespace } from './namespace.js';
export type { OperationName, Operations } from './operations.js';
export { enterNewNamespace, type NamespaceOptions } from './own-namespace.js';
export { PacketSocket } from './packet-socket.js';
export { canCreateNamespaces, isRoot } from './privileges.js';
export { addAddress, addNeighbour, addRoute } from './rtnetlink/addressing.js';
export {
  createVeth,
  deleteLink,
  type Link,
  linkIndex,
  listLinks,
  setLink,
  type VethEnd,
} from './rtnetlink/links.js';
export { enterCommand, spawnInside } from './spawn.js';
export { createVethPair, type VethPairEnd, type VethPairOptions } from './veth-pair.js';
