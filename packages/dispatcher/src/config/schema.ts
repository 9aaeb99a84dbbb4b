import { layout } from '@nicshare/shm';
import * as z from 'zod';
import { parseListenAddress } from './listen-address.js';

const powerOfTwo = (min: number, max: number) =>
  z
    .int()
    .min(min)
    .max(max)
    .refine((value) => (value & (value - 1)) === 0, {
      error: `must be a power of two from ${min} to ${max}`,
    });

const BYTE_UNITS = { '': 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 } as const;

const BYTE_COUNT = 'must be a number of bytes, or one with KiB, MiB or GiB, as 512MiB';

const byteCount = z
  .union([z.int().positive(), z.string()], { error: BYTE_COUNT })
  .transform((value, context) => {
    if (typeof value === 'number') return value;
    const match = /^(\d+) ?(KiB|MiB|GiB)?$/.exec(value);
    if (match) return Number(match[1]) * BYTE_UNITS[(match[2] ?? '') as keyof typeof BYTE_UNITS];
    context.addIssue({ code: 'custom', message: BYTE_COUNT });
    return z.NEVER;
  });

/** The arena, in which all else must find room too, ends at 4 GiB. */
const MAX_CAPTURE_BYTES = 2 * 2 ** 30;

const device = z.discriminatedUnion(
  'driver',
  [
    z.strictObject({
      driver: z.literal('af_xdp'),
      interface: z.string().min(1).max(15),
      rings: z
        .union([z.literal('all'), z.int().min(1).max(64)], {
          error: 'must be `all`, or a number from 1 to 64',
        })
        .default('all'),
      mode: z.enum(['auto', 'native', 'generic']).default('auto'),
    }),
    z.strictObject({
      driver: z.literal('fake'),
      rings: z.int().min(1).max(16).default(1),
      mac: mac().optional(),
    }),
    z.strictObject({
      driver: z.literal('null'),
      packetSize: z.int().min(60).max(layout.MAX_FRAME_SIZE),
      frames: powerOfTwo(1, 1 << 20).default(65536),
      destinationPorts: z.array(port()).min(1),
    }),
    z.strictObject({
      driver: z.literal('pcap'),
      file: z.string().min(1),
      rate: rate().default('recorded'),
      loop: loop().default(false),
      record: z.string().min(1).optional(),
      /** Of the capture's packets, a frame each. */
      memory: byteCount
        .refine((bytes) => bytes <= MAX_CAPTURE_BYTES, { error: 'must be at most 2GiB' })
        .default(256 * 2 ** 20),
      rings: z.literal(1, { error: 'must be 1: a capture has one ring' }).default(1),
    }),
  ],
  { error: 'driver must be af_xdp, fake, null or pcap' },
);

function rate() {
  const error = 'must be recorded, flat-out, or packets a second';
  return z.union([z.enum(['recorded', 'flat-out']), z.number().positive({ error })], { error });
}

function loop() {
  const error = 'must be true, false, or a count from 1 on';
  return z.union([z.boolean(), z.int().min(1, { error }).max(0xffffffff, { error })], { error });
}

function port() {
  return z.int().min(0).max(65535);
}

function mac() {
  return z.string().regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i, 'must be a MAC address, as 02:00:00:00:00:01');
}

/** Names of IANA's protocol and IEEE's EtherType numbers that a configuration may use. */
export const PROTOCOLS = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58, sctp: 132 } as const;
export const ETHER_TYPES = { ipv4: 0x0800, arp: 0x0806, vlan: 0x8100, ipv6: 0x86dd } as const;

const named = <N extends Record<string, number>>(names: N, max: number) =>
  z.union([z.int().min(0).max(max), z.enum(Object.keys(names) as [string, ...string[]])], {
    error: `must be a number from 0 to ${max}, or one of ${Object.keys(names).join(', ')}`,
  });

const match = z.union(
  [
    z.literal('any'),
    z
      .strictObject({
        etherType: named(ETHER_TYPES, 0xffff).optional(),
        protocol: named(PROTOCOLS, 255).optional(),
        destinationPort: port().optional(),
        destinationMac: mac().optional(),
      })
      .refine((value) => Object.keys(value).length > 0, {
        error: 'names no field; write `match: any` for all packets',
      }),
  ],
  { error: 'must be `any`, or fields, as { protocol: udp, destinationPort: 53 }' },
);

const queue = z.strictObject({
  name: z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
      'must be 1 to 64 letters, digits, dots, dashes or underscores',
    ),
  mode: z.literal('isolated').default('isolated'),
  match,
  priority: z.int().min(0).max(1_000_000).default(100),
  allow: z
    .strictObject({
      users: z.array(z.union([z.string(), z.int().min(0)])).default([]),
      groups: z.array(z.union([z.string(), z.int().min(0)])).default([]),
    })
    .optional(),
});

const FILE_MODE = "must be an octal file mode in quotes, as '0660'";

/** The configuration of a dispatcher. docs: README.md, "Configuration". */
export const configSchema = z.strictObject({
  socket: z
    .strictObject({
      path: z.string().min(1).optional(),
      mode: z
        .string(FILE_MODE)
        .regex(/^0?[0-7]{3}$/, FILE_MODE)
        .default('0660'),
      group: z.union([z.string(), z.int().min(0)]).optional(),
    })
    .prefault({}),
  device,
  memory: z
    .strictObject({
      frameSize: powerOfTwo(layout.MIN_FRAME_SIZE, layout.MAX_FRAME_SIZE).default(2048),
      ringSize: powerOfTwo(layout.MIN_RING_SIZE, layout.MAX_RING_SIZE).default(1024),
      /** RX frames a client; the client can hold so many before it loses packets. */
      frames: powerOfTwo(layout.MIN_RING_SIZE, layout.MAX_FRAMES).default(2048),
      /** Descriptors of each ring of the device. */
      deviceRingSize: powerOfTwo(layout.MIN_RING_SIZE, 8192).default(4096),
      hugepages: z.enum(['auto', 'require', 'never']).default('auto'),
      /** Memory of all clients together. */
      budget: byteCount.default(512 * 2 ** 20),
    })
    .prefault({}),
  idle: z
    .strictObject({
      spins: z.int().min(0).default(10),
      yields: z.int().min(0).default(0),
      wakeupInterval: z.number().min(0).max(10_000).default(50),
    })
    .prefault({}),
  queues: z.array(queue).min(1).max(256),
  unmatched: z.enum(['pass', 'drop']).default('pass'),
  /** Counters over HTTP, in the OpenMetrics format. */
  metrics: z
    .strictObject({
      listen: z.string().refine((text) => parseListenAddress(text) !== undefined, {
        error: 'must be an address and a port, as 127.0.0.1:9464 or [::1]:9464',
      }),
    })
    .optional(),
  /** hold: take packets only while every client has room for them; for sources that can wait. */
  overflow: z.enum(['drop', 'hold']).default('drop'),
});

/** As written by a user. */
export type DispatcherOptions = z.input<typeof configSchema>;
/** With all defaults filled in. */
export type DispatcherConfig = z.output<typeof configSchema>;
export type QueueConfig = DispatcherConfig['queues'][number];
