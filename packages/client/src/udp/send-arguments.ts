import { isConnected } from './errors.js';
import type { Payload, SendCallback } from './tx-burst.js';

/** What a datagram is made of: text as UTF-8, bytes of any view, or several of those one after the other. */
export type Message = string | NodeJS.ArrayBufferView;

export type SendArgument = number | string | SendCallback | null | undefined;

/** send's arguments, whichever of its forms they came in. */
export interface Sending {
  payload: Payload;
  length: number;
  /** undefined: to whom the socket is connected. */
  port: number | undefined;
  address: string | undefined;
  callback: SendCallback | undefined;
}

const MAX_PORT = 65_535;

const wrong = <E extends Error>(error: E, code: string): E => Object.assign(error, { code });

/** A port's number. Throws RangeError ERR_SOCKET_BAD_PORT, as node:dgram does. */
export function requirePort(port: unknown, least: 0 | 1): number {
  const number = typeof port === 'string' && port.trim() !== '' ? Number(port) : port;
  if (typeof number === 'number' && Number.isInteger(number) && number >= least && number <= MAX_PORT)
    return number;
  throw wrong(
    new RangeError(`'${String(port)}' is no port. Give it one from ${least} to ${MAX_PORT}.`),
    'ERR_SOCKET_BAD_PORT',
  );
}

/** Throws TypeError ERR_INVALID_ARG_TYPE. */
export function requireText(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw wrong(new TypeError(`The ${name} is a string, not ${typeof value}.`), 'ERR_INVALID_ARG_TYPE');
}

function bytesOf(message: unknown): Uint8Array {
  if (message instanceof Uint8Array) return message;
  if (typeof message === 'string') return Buffer.from(message);
  if (ArrayBuffer.isView(message))
    return new Uint8Array(message.buffer, message.byteOffset, message.byteLength);
  throw wrong(
    new TypeError('A message is a string, a Buffer, a TypedArray, a DataView, or an array of those.'),
    'ERR_INVALID_ARG_TYPE',
  );
}

function slice(message: unknown, offset: unknown, length: unknown): Uint8Array {
  const bytes = bytesOf(message);
  const from = Number(offset) >>> 0;
  const count = Number(length) >>> 0;
  if (from + count > bytes.length)
    throw wrong(
      new RangeError(`The message has ${bytes.length} bytes: ${count} from ${from} on are outside of it.`),
      'ERR_BUFFER_OUT_OF_BOUNDS',
    );
  return bytes.subarray(from, from + count);
}

const callbackOf = (...candidates: SendArgument[]): SendCallback | undefined =>
  candidates.find((candidate) => typeof candidate === 'function') as SendCallback | undefined;

const sizeOf = (payload: Payload): number =>
  payload instanceof Uint8Array ? payload.length : payload.reduce((sum, part) => sum + part.length, 0);

const payloadOf = (message: unknown): Payload =>
  Array.isArray(message) ? message.map(bytesOf) : bytesOf(message);

/**
 * Reads the arguments of send, in the forms that node:dgram takes: (message, [offset, length,] [port, [address,]]
 * [callback]). Fills `into`. Throws TypeError ERR_INVALID_ARG_TYPE, RangeError ERR_SOCKET_BAD_PORT or
 * ERR_BUFFER_OUT_OF_BOUNDS, UdpSocketError ERR_SOCKET_DGRAM_IS_CONNECTED where a connected socket is given a port.
 */
export function readSending(
  into: Sending,
  connected: boolean,
  message: unknown,
  a: SendArgument,
  b: SendArgument,
  c: SendArgument,
  d: SendArgument,
  e: SendArgument,
): void {
  const sliced =
    typeof b === 'number' && (connected || (c !== undefined && c !== null && typeof c !== 'function'));
  const payload = sliced ? slice(message, a, b) : payloadOf(message);
  const [port, address] = sliced ? [c, d] : [a, b];
  into.payload = payload;
  into.length = sizeOf(payload);
  into.callback = sliced ? callbackOf(c, d, e) : callbackOf(a, b, c);
  if (connected) {
    if (typeof port === 'number' || typeof address === 'string') throw isConnected();
    into.port = undefined;
    into.address = undefined;
    return;
  }
  into.port = requirePort(port, 1);
  into.address =
    address === undefined || address === null || typeof address === 'function'
      ? undefined
      : requireText('address', address);
}
