export * from './constants.js';
export * from './libc.js';
export * from './poll-set.js';
export * from './readable.js';
