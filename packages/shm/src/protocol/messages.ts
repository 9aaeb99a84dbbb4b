import * as z from 'zod';
import { MAX_FILTER, MAX_SNAPLEN, MIN_SNAPLEN, REGION_ALIGNMENT } from '../layout.js';
import { QUEUE_MODES } from '../shape.js';

/** Raised whenever a message changes; hello and refused keep their form for ever. */
export const PROTOCOL_VERSION = 2;

const id = z.int().nonnegative();
const u32 = z.int().min(0).max(0xffffffff);

/** First message of a client; nothing else is heard before it. */
const hello = z.strictObject({ type: z.literal('hello'), version: u32 });
/** Asks for a queue; answered by `granted` or `refused`. */
const attach = z.strictObject({ type: z.literal('attach'), id, queue: z.string().min(1).max(64) });
/** Asks for copies of a queue's packets, or of the whole device's (null); answered by `tapGranted` or `refused`. */
const tap = z.strictObject({
  type: z.literal('tap'),
  id,
  queue: z.string().min(1).max(64).nullable(),
  /** Bytes of each packet at most. */
  snaplen: z.int().min(MIN_SNAPLEN).max(MAX_SNAPLEN),
  /** A classic BPF program, two words an instruction; empty: all packets. */
  filter: z.array(u32).max(2 * MAX_FILTER),
});
/** Ends a session of this connection; answered by `detached`. */
const detach = z.strictObject({ type: z.literal('detach'), id, session: u32 });
/** Asks for all counters; answered by `stats`. */
const askStats = z.strictObject({ type: z.literal('stats'), id });
/** Asks for the stack snapshot; answered by `granted` or `refused`. */
const askStack = z.strictObject({ type: z.literal('stack'), id });
/**
 * Asks the kernel for the neighbour on the way to an address; answered by `resolved` once the snapshot has it, or by
 * `refused`.
 */
const resolve = z.strictObject({ type: z.literal('resolve'), id, address: z.string().min(2).max(45) });

export const clientMessage = z.discriminatedUnion('type', [
  hello,
  attach,
  tap,
  detach,
  askStats,
  askStack,
  resolve,
]);
export type ClientMessage = z.infer<typeof clientMessage>;

const refusal = {
  code: z.string(),
  message: z.string(),
  action: z.string(),
};

const welcome = z.object({ type: z.literal('welcome'), version: u32, pid: z.int() });
/** The token is good for one claim on the descriptor socket, for a few seconds. */
const granted = z.object({ type: z.literal('granted'), id, token: z.string() });
/** As `granted`, with what the records name: the device, and the queues by their index. */
const tapGranted = z.object({
  type: z.literal('tapGranted'),
  id,
  token: z.string(),
  device: z.string(),
  queues: z.array(z.string()),
});
const detached = z.object({ type: z.literal('detached'), id });
/** The dispatcher ended a session. */
const ended = z.object({ type: z.literal('ended'), session: u32, ...refusal });
const stats = z.object({ type: z.literal('stats'), id, stats: z.unknown() });
const resolved = z.object({ type: z.literal('resolved'), id });
/** `id` is null where the message that is refused could not be read. */
const refused = z.object({ type: z.literal('refused'), id: id.nullable(), ...refusal });

export const dispatcherMessage = z.discriminatedUnion('type', [
  welcome,
  granted,
  tapGranted,
  detached,
  ended,
  stats,
  resolved,
  refused,
]);
export type DispatcherMessage = z.infer<typeof dispatcherMessage>;

/** The one message of a client on the descriptor socket. */
export const claim = z.strictObject({ type: z.literal('claim'), token: z.string().length(32) });
export type Claim = z.infer<typeof claim>;

const powerOfTwo = u32.refine((value) => value > 0 && (value & (value - 1)) === 0, 'must be a power of two');

/** Most regions of a device that clients of mode `shared` map. */
export const MAX_DEVICE_REGIONS = 64;

const whole = u32.refine((value) => value % REGION_ALIGNMENT === 0, 'must be whole 2 MiB');
const deviceRegion = z.object({ at: whole, bytes: whole.refine((value) => value > 0, 'must not be empty') });

const deviceRegions = z
  .array(deviceRegion)
  .max(MAX_DEVICE_REGIONS)
  .refine(
    (regions) =>
      regions.every(({ at }, i) => at >= (i === 0 ? 0 : regions[i - 1]!.at + regions[i - 1]!.bytes)),
    'must follow one another',
  );

/**
 * Answer to a claim. Descriptors come with it, in this order: the dispatcher region (read-only), the client region
 * (read-write), the wake-up socket, then those of `regions` (read-only).
 */
const session = z.object({
  type: z.literal('session'),
  session: u32,
  queue: z.string(),
  /** The client could undo the split of the memory by writer: it runs as root or as the dispatcher's own user. */
  trusted: z.boolean(),
  mode: z.enum(QUEUE_MODES),
  /** RX frames that the client may hold, those in its rxRing included. */
  credit: u32,
  /** The device's regions, which a client of mode `shared` maps at these distances from one another. */
  regions: deviceRegions,
  ringSize: powerOfTwo,
  frameSize: powerOfTwo,
  rxFrames: powerOfTwo,
  txFrames: powerOfTwo,
  /** Longest packet that the device sends, in bytes, Ethernet header included. */
  maxPacket: u32,
  /** The device's MAC address as six bytes in hex parted by colons. */
  mac: z.string(),
});
/** Answer to a claim of the stack snapshot (stack-layout.ts), whose read-only descriptor comes with it. */
const stack = z.object({ type: z.literal('stack') });

export const claimAnswer = z.discriminatedUnion('type', [session, stack, refused]);
export type ClaimAnswer = z.infer<typeof claimAnswer>;
export type SessionGrant = z.infer<typeof session>;
export type StackGrant = z.infer<typeof stack>;
