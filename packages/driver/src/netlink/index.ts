export * from './message.js';
export * from './request.js';
