import { Packr, Unpackr } from 'msgpackr';
import type { ZodType } from 'zod';
import { NicshareError } from '../errors.js';

const packr = new Packr({ useRecords: false, variableMapSize: true });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });
const LENGTH_BYTES = 4;

/** Longest message of each direction, in bytes. */
export const MAX_CLIENT_MESSAGE = 4096;
export const MAX_DISPATCHER_MESSAGE = 1 << 20;

const violation = (what: string, cause?: unknown): NicshareError =>
  new NicshareError(
    'ProtocolViolation',
    what,
    'Use the same version of the client package as of the dispatcher.',
    {
      cause,
    },
  );

/** A message as msgpack. */
export const encode = (message: object): Buffer => packr.pack(message);

/** Reads a message and checks its form. Throws NicshareError ProtocolViolation. */
export function decode<T>(schema: ZodType<T>, bytes: Uint8Array): T {
  let value: unknown;
  try {
    value = unpackr.unpack(bytes);
  } catch (cause) {
    throw violation('A control message is not msgpack.', cause);
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  throw violation(
    `A control message has a wrong form: ${issue.path.join('.') || 'message'}: ${issue.message}.`,
  );
}

/**
 * Sends a sample through the codec and its schema: the first use compiles both, which would otherwise stand between
 * an application and its first packet.
 */
export const prepare = (schema: ZodType, sample: object): void => {
  schema.safeParse(unpackr.unpack(packr.pack(sample)));
};

/** A message with its length before it (u32, little endian), as it goes over a stream. */
export function frame(message: object): Buffer {
  const body = encode(message);
  const framed = Buffer.allocUnsafe(LENGTH_BYTES + body.length);
  framed.writeUInt32LE(body.length, 0);
  body.copy(framed, LENGTH_BYTES);
  return framed;
}

/** Cuts a stream of bytes into messages. */
export class FrameReader {
  readonly #limit: number;
  #pending: Buffer = Buffer.alloc(0);

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes bytes as they come; returns the bodies that are complete. Throws NicshareError ProtocolViolation. */
  push(chunk: Uint8Array): Buffer[] {
    this.#pending = this.#pending.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#pending, chunk]);
    const bodies: Buffer[] = [];
    while (this.#pending.length >= LENGTH_BYTES) {
      const length = this.#pending.readUInt32LE(0);
      if (length > this.#limit)
        throw violation(`A control message of ${length} bytes is longer than the limit of ${this.#limit}.`);
      if (this.#pending.length < LENGTH_BYTES + length) break;
      bodies.push(this.#pending.subarray(LENGTH_BYTES, LENGTH_BYTES + length));
      this.#pending = this.#pending.subarray(LENGTH_BYTES + length);
    }
    return bodies;
  }

  /** Whether a message has begun and not ended. */
  get partial(): boolean {
    return this.#pending.length > 0;
  }
}
