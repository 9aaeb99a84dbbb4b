export type { Bar, Interrupts, PciCard, PciContext, PciOptions, PciWay } from './card.js';
export type { ConfigSpace } from './config-space.js';
export { networkFunctions, type PciFunction, readFunction } from './functions.js';
export { openPciCard } from './open.js';
