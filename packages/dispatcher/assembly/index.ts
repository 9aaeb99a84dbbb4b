/*
 * The dispatcher's data plane: one call a step of the poll loop, each returning how much it did.
 * All state is in the tables (src/dataplane/tables.ts) and in shared memory; the module holds no data of its own.
 */
export { receive } from './receive';
export { reclaim, audit } from './reclaim';
export { takeAllBack } from './shared';
export { transmit, pendingTransmit } from './transmit';
export { sendForKernel } from './exception';
export { announceSleep } from './sleep';
export { classifyPacket } from './classifier';
export { runFilter } from './packet-filter';
