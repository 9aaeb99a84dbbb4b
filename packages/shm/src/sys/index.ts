export * from './constants.js';
export * from './libc.js';
export * from './poll-set.js';
