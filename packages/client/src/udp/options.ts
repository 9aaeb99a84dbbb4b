import type { LookupOneOptions } from 'node:dns';
import { NicshareError } from '@nicshare/shm';
import type { Resolver } from '../resolver.js';

/** Only IPv4 so far. */
export type UdpSocketType = 'udp4';

/** What `createUdpSocket` takes. */
export interface UdpSocketOptions {
  /** Default 'udp4', the only one there is. */
  readonly type?: UdpSocketType;
  /** Datagrams that may wait for their neighbour or for free TX frames, at most. Default 4096. */
  readonly sendQueue?: number;
  /** Turns names into addresses. Default dns.lookup. */
  readonly lookup?: (
    hostname: string,
    options: LookupOneOptions,
    callback: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
  ) => void;
  /** Closes the socket when it is aborted. */
  readonly signal?: AbortSignal;
  /** Where ways and own addresses come from. Default: what the dispatcher mirrors of the kernel, `port.resolver()`. */
  readonly resolver?: Resolver;
}

export const DEFAULT_SEND_QUEUE = 4096;
const MOST_SEND_QUEUE = 1 << 20;

/** Throws NicshareError NotSupported for a type that there is not, InvalidArgument. */
export function requireOptions({ type = 'udp4', sendQueue = DEFAULT_SEND_QUEUE }: UdpSocketOptions): void {
  if (type !== 'udp4')
    throw new NicshareError(
      'NotSupported',
      `There are no sockets of type '${String(type)}'.`,
      "Take 'udp4'.",
    );
  if (!Number.isInteger(sendQueue) || sendQueue < 0 || sendQueue > MOST_SEND_QUEUE)
    throw new NicshareError(
      'InvalidArgument',
      `A sendQueue of ${sendQueue}.`,
      `Give it 0 to ${MOST_SEND_QUEUE}.`,
    );
}

/** As dgram's. */
export interface UdpBindOptions {
  readonly port?: number | undefined;
  readonly address?: string | undefined;
}

/** bind's arguments, in all forms that node:dgram takes but descriptors. */
export function readBinding(
  first: number | UdpBindOptions | (() => void) | undefined,
  second: string | (() => void) | undefined,
  third: (() => void) | undefined,
): { port: unknown; address: string; callback: (() => void) | undefined } {
  const callback = [first, second, third].find((argument) => typeof argument === 'function');
  const options = typeof first === 'object' && first !== null ? first : undefined;
  const address = options ? options.address : second;
  return {
    port: (options ? options.port : typeof first === 'function' ? 0 : first) ?? 0,
    address: typeof address === 'string' && address !== '' ? address : ANY_ADDRESS,
    callback: callback as (() => void) | undefined,
  };
}

export const ANY_ADDRESS = '0.0.0.0';
