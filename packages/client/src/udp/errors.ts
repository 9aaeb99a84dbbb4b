import { constants } from 'node:os';
import { isNicshareError } from '@nicshare/shm';

/** Codes that programs for node:dgram test for. */
export type UdpErrorCode =
  | 'ERR_SOCKET_DGRAM_NOT_RUNNING'
  | 'ERR_SOCKET_ALREADY_BOUND'
  | 'ERR_SOCKET_DGRAM_IS_CONNECTED'
  | 'ERR_SOCKET_DGRAM_NOT_CONNECTED'
  | 'EACCES'
  | 'EADDRINUSE'
  | 'EADDRNOTAVAIL'
  | 'EBADF'
  | 'ECANCELED'
  | 'EHOSTUNREACH'
  | 'EINVAL'
  | 'EMSGSIZE'
  | 'ENETUNREACH'
  | 'ENOBUFS'
  | 'ETIMEDOUT';

/** What of a call an error is about. */
export interface UdpErrorContext {
  readonly syscall?: 'bind' | 'send' | 'connect' | 'getsockname' | 'setTTL';
  readonly address?: string | undefined;
  readonly port?: number | undefined;
  readonly cause?: unknown;
}

const ERRNO: Readonly<Record<string, number>> = constants.errno;

/** An error in the shape of those of node:dgram (`code`, `errno`, `syscall`, `address`, `port`), and what to do about it. */
export class UdpSocketError extends Error {
  readonly code: UdpErrorCode;
  /** What to do, as a sentence; also the end of `message`. */
  readonly action: string;
  /** As libuv numbers it: negative. */
  readonly errno?: number;
  readonly syscall?: string;
  readonly address?: string;
  readonly port?: number;

  constructor(code: UdpErrorCode, what: string, action: string, context: UdpErrorContext = {}) {
    const { syscall, address, port, cause } = context;
    super(`${syscall === undefined ? '' : `${syscall} ${code}: `}${what} ${action}`, { cause });
    this.name = syscall === undefined ? `Error [${code}]` : 'Error';
    this.code = code;
    this.action = action;
    const errno = ERRNO[code];
    if (errno !== undefined) this.errno = -errno;
    if (syscall !== undefined) this.syscall = syscall;
    if (address !== undefined) this.address = address;
    if (port !== undefined) this.port = port;
  }
}

export const notRunning = (): UdpSocketError =>
  new UdpSocketError('ERR_SOCKET_DGRAM_NOT_RUNNING', 'The socket is closed.', 'Create another one.');

export const alreadyBound = (): UdpSocketError =>
  new UdpSocketError('ERR_SOCKET_ALREADY_BOUND', 'The socket is bound already.', 'Bind it once.');

export const isConnected = (): UdpSocketError =>
  new UdpSocketError(
    'ERR_SOCKET_DGRAM_IS_CONNECTED',
    'The socket is connected.',
    'Send without port and address, or disconnect() first.',
  );

export const notConnected = (): UdpSocketError =>
  new UdpSocketError(
    'ERR_SOCKET_DGRAM_NOT_CONNECTED',
    'The socket is not connected.',
    'Connect it first, and wait for its "connect".',
  );

const ofSend = (
  code: UdpErrorCode,
  what: string,
  action: string,
  address: string,
  port: number,
): UdpSocketError => new UdpSocketError(code, what, action, { syscall: 'send', address, port });

export const tooLong = (length: number, most: number, address: string, port: number): UdpSocketError =>
  ofSend(
    'EMSGSIZE',
    `${length} bytes do not fit into one packet, and none is fragmented.`,
    `Send at most ${most} bytes to ${address}.`,
    address,
    port,
  );

export const broadcastRefused = (address: string, port: number): UdpSocketError =>
  ofSend('EACCES', `${address} is a broadcast address.`, 'Call setBroadcast(true) first.', address, port);

export const queueFull = (count: number, address: string, port: number): UdpSocketError =>
  ofSend(
    'ENOBUFS',
    `${count} datagrams of this socket wait already.`,
    'Wait for callbacks before sending more, or raise sendQueue.',
    address,
    port,
  );

export const canceled = (address: string, port: number): UdpSocketError =>
  ofSend(
    'ECANCELED',
    'The socket was closed before the datagram was sent.',
    'Close it in the callback of send.',
    address,
    port,
  );

const UNREACHABLE = {
  NoRoute: 'ENETUNREACH',
  NeighbourFailed: 'EHOSTUNREACH',
  Timeout: 'ETIMEDOUT',
} as const satisfies Record<string, UdpErrorCode>;

/** A resolver's refusal in dgram's shape, itself as the cause; anything else as it is. */
export function unreachable(
  reason: unknown,
  syscall: 'send' | 'connect',
  address: string,
  port: number,
): Error {
  if (isNicshareError(reason)) {
    const code = UNREACHABLE[reason.code as keyof typeof UNREACHABLE];
    if (code !== undefined) {
      const what = reason.message.slice(0, reason.message.length - reason.action.length).trimEnd();
      return new UdpSocketError(code, what, reason.action, { syscall, address, port, cause: reason });
    }
  }
  return reason instanceof Error ? reason : new Error(String(reason));
}
