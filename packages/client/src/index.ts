export {
  type ErrorCode,
  isNicshareError,
  NicshareError,
  type QueueMode,
  type SessionCounters,
} from '@nicshare/shm';
export { Batch, TxBatch } from './batch.js';
export { type Client, type ClientEvents, type ConnectOptions, connect } from './client.js';
export { createFrameStream, type FrameStreamOptions } from './frame-stream.js';
export type { PacketTap, TapCounters, TapOptions } from './packet-tap.js';
export { type DropReason, dropReason, type TapBatch, type TapRecord } from './packet-tap-batch.js';
export type { Port, PortEvents } from './port.js';
export type { NextHop, Resolver } from './resolver.js';
export type { UdpCounters } from './udp/counters.js';
export { createUdpSocket } from './udp/create.js';
export { type UdpErrorCode, UdpSocketError } from './udp/errors.js';
export type { UdpAddress, UdpRemoteInfo, UdpSocketEvents } from './udp/events.js';
export type { UdpBindOptions, UdpSocketOptions, UdpSocketType } from './udp/options.js';
export type { Message } from './udp/send-arguments.js';
export type { UdpSocket } from './udp/socket.js';
export type { SendCallback } from './udp/tx-burst.js';
