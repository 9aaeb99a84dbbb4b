export * from './addresses.js';
export * from './addressing.js';
export * from './dump-table.js';
export * from './links.js';
export * from './message.js';
export * from './observed.js';
export * from './request.js';
export * from './socket.js';
