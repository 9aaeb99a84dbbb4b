import * as z from 'zod';

/** Raised whenever a message changes; hello and refused keep their form for ever. */
export const PROTOCOL_VERSION = 1;

const id = z.int().nonnegative();
const u32 = z.int().min(0).max(0xffffffff);

/** First message of a client; nothing else is heard before it. */
const hello = z.strictObject({ type: z.literal('hello'), version: u32 });
/** Asks for a queue; answered by `granted` or `refused`. */
const attach = z.strictObject({ type: z.literal('attach'), id, queue: z.string().min(1).max(64) });
/** Ends a session of this connection; answered by `detached`. */
const detach = z.strictObject({ type: z.literal('detach'), id, session: u32 });
/** Asks for all counters; answered by `stats`. */
const askStats = z.strictObject({ type: z.literal('stats'), id });

export const clientMessage = z.discriminatedUnion('type', [hello, attach, detach, askStats]);
export type ClientMessage = z.infer<typeof clientMessage>;

const refusal = {
  code: z.string(),
  message: z.string(),
  action: z.string(),
};

const welcome = z.object({ type: z.literal('welcome'), version: u32, pid: z.int() });
/** The token is good for one claim on the descriptor socket, for a few seconds. */
const granted = z.object({ type: z.literal('granted'), id, token: z.string() });
const detached = z.object({ type: z.literal('detached'), id });
/** The dispatcher ended a session. */
const ended = z.object({ type: z.literal('ended'), session: u32, ...refusal });
const stats = z.object({ type: z.literal('stats'), id, stats: z.unknown() });
/** `id` is null where the message that is refused could not be read. */
const refused = z.object({ type: z.literal('refused'), id: id.nullable(), ...refusal });

export const dispatcherMessage = z.discriminatedUnion('type', [
  welcome,
  granted,
  detached,
  ended,
  stats,
  refused,
]);
export type DispatcherMessage = z.infer<typeof dispatcherMessage>;

/** The one message of a client on the descriptor socket. */
export const claim = z.strictObject({ type: z.literal('claim'), token: z.string().length(32) });
export type Claim = z.infer<typeof claim>;

const powerOfTwo = u32.refine((value) => value > 0 && (value & (value - 1)) === 0, 'must be a power of two');

/**
 * Answer to a claim. Three descriptors come with it, in this order: the dispatcher region (read-only), the client
 * region (read-write), the wake-up socket.
 */
const session = z.object({
  type: z.literal('session'),
  session: u32,
  queue: z.string(),
  /** The client could undo the split of the memory by writer: it runs as root or as the dispatcher's own user. */
  trusted: z.boolean(),
  ringSize: powerOfTwo,
  frameSize: powerOfTwo,
  rxFrames: powerOfTwo,
  txFrames: powerOfTwo,
  /** Longest packet that the device sends, in bytes, Ethernet header included. */
  maxPacket: u32,
  /** The device's MAC address as six bytes in hex parted by colons. */
  mac: z.string(),
});
export const claimAnswer = z.discriminatedUnion('type', [session, refused]);
export type ClaimAnswer = z.infer<typeof claimAnswer>;
export type SessionGrant = z.infer<typeof session>;
