export { type ErrorCode, isNicshareError, NicshareError, type SessionCounters } from '@nicshare/shm';
export { Batch, TxBatch } from './batch.js';
export { type Client, type ClientEvents, type ConnectOptions, connect } from './client.js';
export type { Port, PortEvents } from './port.js';
export type { NextHop, Resolver } from './resolver.js';
