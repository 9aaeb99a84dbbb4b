export * from './addresses.js';
export * from './addressing.js';
export * from './links.js';
export * from './message.js';
export * from './request.js';
