import { layout, QUEUE_MODES } from '@nicshare/shm';
import * as z from 'zod';
import { parseListenAddress } from './listen-address.js';
import { mac } from './mac.js';
import { tap } from './tap.js';

const powerOfTwo = (min: number, max: number) =>
  z
    .int()
    .min(min)
    .max(max)
    .refine((value) => (value & (value - 1)) === 0, {
      error: `must be a power of two from ${min} to ${max}`,
    })
    .meta({ form: 'a power of two' });

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
  })
  .meta({ form: 'bytes' });

/** The arena, in which all else must find room too, ends at 4 GiB. */
const MAX_CAPTURE_BYTES = 2 * 2 ** 30;

const device = z.discriminatedUnion(
  'driver',
  [
    z.strictObject({
      driver: z
        .literal('af_xdp')
        .describe('A network interface, by the AF_XDP of its kernel; needs root or capabilities'),
      interface: z.string().min(1).max(15).describe('The name of the interface, as `ip link` shows it'),
      rings: z
        .union([z.literal('all'), z.int().min(1).max(64)], {
          error: 'must be `all`, or a number from 1 to 64',
        })
        .default('all')
        .describe('How many of its hardware rings, from the first on'),
      mode: z
        .enum(['auto', 'native', 'generic'])
        .default('auto')
        .describe(
          "Where the XDP program runs: in the card's driver, in the kernel behind it (slower, works everywhere), or the first of them that works",
        ),
    }),
    z.strictObject({
      driver: z
        .literal('e1000e')
        .describe('An Intel 82574L that the dispatcher takes from the kernel and drives itself'),
      ...card(),
    }),
    z.strictObject({
      driver: z
        .literal('igb')
        .describe('An Intel 82576 that the dispatcher takes from the kernel and drives itself'),
      ...card(),
    }),
    z.strictObject({
      driver: z.literal('fake').describe('A device in memory, whose far side a program holds (FakeWire)'),
      rings: z.int().min(1).max(16).default(1).describe('How many hardware rings it plays'),
      steering: z
        .enum(['hash', 'rules'])
        .default('hash')
        .describe(
          'How packets are spread over its rings: by a hash of addresses and ports, or by their rule',
        ),
      mac: mac().optional().describe('Its MAC address; without it, 02:00:00:00:fa:ce'),
    }),
    z.strictObject({
      driver: z
        .literal('null')
        .describe('Gives UDP packets without end and swallows what is sent, for benchmarks'),
      packetSize: z
        .int()
        .min(60)
        .max(layout.MAX_FRAME_SIZE)
        .describe('Bytes of each packet, Ethernet header included'),
      frames: powerOfTwo(1, 1 << 20)
        .default(65536)
        .describe('Frames that the packets lie in, one after the other'),
      destinationPorts: z.array(port()).min(1).describe('UDP ports that the packets go to, in turn'),
    }),
    z.strictObject({
      driver: z
        .literal('pcap')
        .describe('Replays a capture and records what is sent; needs no card and no privileges'),
      file: z
        .string()
        .min(1)
        .describe('The capture of Ethernet packets, pcap or pcapng; it is loaded when the dispatcher starts'),
      rate: rate()
        .default('recorded')
        .describe('As it was captured, as fast as it is taken, or packets a second'),
      loop: loop()
        .default(false)
        .describe('Whether it begins anew at its end; a number: so many times in all'),
      start: startTime()
        .default('immediately')
        .describe(
          'When it begins: with the dispatcher; once every queue has a client; or once so many queues have one. What comes while nobody is attached is lost (dropNoClient)',
        ),
      record: z
        .string()
        .min(1)
        .optional()
        .describe(
          'The file to record what is sent in, as pcapng, written anew; a full disk ends the recording, not the traffic. Without it nothing is recorded',
        ),
      memory: byteCount
        .refine((bytes) => bytes <= MAX_CAPTURE_BYTES, { error: 'must be at most 2GiB' })
        .prefault('256MiB')
        .describe(
          "For the capture's packets, a frame each (256MiB hold about 130,000 of 2048 bytes); at most 2GiB. What needs more is refused with the number it needs",
        ),
      rings: z
        .literal(1, { error: 'must be 1: a capture has one ring' })
        .default(1)
        .describe('A capture has one'),
    }),
    z.strictObject({
      driver: z
        .literal('virtio-net')
        .describe(
          "A virtual machine's virtio-net card that the dispatcher takes from the kernel and drives itself",
        ),
      ...card(),
    }),
  ],
  { error: 'driver must be af_xdp, e1000e, fake, igb, null, pcap or virtio-net' },
);

/** What every card has that a driver of ours owns. */
function card() {
  return {
    pci: z
      .string()
      .regex(/^([0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/i, 'must be a PCI address, as 0000:03:00.0')
      .describe('The address of the card on PCI, as `lspci -D` shows it'),
    access: z
      .enum(['auto', 'vfio', 'uio', 'sysfs'])
      .default('auto')
      .describe(
        'How the card is reached: `vfio` behind an IOMMU, the only safe one; `uio` without one; `sysfs` without interrupts too; or the first of them that the machine has',
      ),
    rings: z
      .union([z.literal('all'), z.int().min(1).max(16)], { error: 'must be `all`, or a number from 1 to 16' })
      .default('all')
      .describe('How many of its hardware rings, from the first on'),
    force: z.boolean().default(false).describe('Take the card though the kernel uses it with an address'),
  };
}

function rate() {
  const error = 'must be recorded, flat-out, or packets a second';
  return z.union([z.enum(['recorded', 'flat-out']), z.number().positive({ error })], { error });
}

function loop() {
  const error = 'must be true, false, or a count from 1 on';
  return z.union([z.boolean(), z.int().min(1, { error }).max(0xffffffff, { error })], { error });
}

function startTime() {
  const error = 'must be immediately, attached, or a number of queues from 1 on';
  return z.union([z.enum(['immediately', 'attached']), z.int().min(1, { error })], { error });
}

function port() {
  return z.int().min(0).max(65535);
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
        etherType: named(ETHER_TYPES, 0xffff).optional().describe('EtherType of the Ethernet header'),
        protocol: named(PROTOCOLS, 255).optional().describe('Protocol above IPv4 or IPv6'),
        destinationPort: port().optional().describe('Destination port of TCP, UDP, SCTP or UDP-Lite'),
        destinationMac: mac().optional().describe('Destination address of the Ethernet header'),
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
    )
    .describe('What clients attach to: 1 to 64 letters, digits, dots, dashes or underscores, each name once'),
  mode: z
    .enum(QUEUE_MODES)
    .default('isolated')
    .describe(
      'How its packets reach a client: `isolated` copies each into memory that this client alone maps; `shared` copies nothing, for a group of clients that may see the packets of the others: each maps the memory of the device, read-only, and can read all that its rings hold, until the dispatcher ends',
    ),
  credit: z
    .int()
    .min(layout.MIN_RING_SIZE)
    .max(layout.MAX_FRAMES)
    .optional()
    .describe(
      'Mode `shared`: RX frames of the device that a client may hold before it loses packets; without it 1024. Each ring of the device gets so many frames more',
    ),
  match: match.describe('Which packets it takes; of several fields all must fit'),
  priority: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(100)
    .describe(
      'Queues are tried from the lowest number on, equal ones as written; the first that fits takes a packet',
    ),
  allow: accounts().optional().describe('Who may attach; without it, everybody who may open the socket'),
});

function accounts() {
  return z.strictObject({
    users: z.array(account()).default([]).describe('Names or numbers of users'),
    groups: z.array(account()).default([]).describe('Names or numbers of groups'),
  });
}

function account() {
  return z.union([z.string(), z.int().min(0)]);
}

/** Microseconds. */
const DEFAULT_SAMPLE = 1000;

const FILE_MODE = "must be an octal file mode in quotes, as '0660'";

/**
 * The configuration of a dispatcher. docs/configuration.md is made of it by `npm run docs`: each field's description
 * says what it means, in which units.
 */
export const configSchema = z.strictObject({
  socket: z
    .strictObject({
      path: z
        .string()
        .min(1)
        .optional()
        .describe(
          'The control socket; a second one beside it (`.fds`) passes descriptors. Without it `/run/nicshare/default.sock`; where root does not run the dispatcher `$XDG_RUNTIME_DIR/nicshare/default.sock`, or `/tmp/nicshare-UID/default.sock` where that is not set',
        ),
      mode: z
        .string(FILE_MODE)
        .regex(/^0?[0-7]{3}$/, FILE_MODE)
        .default('0660')
        .describe("Who may connect: the socket's file mode, octal and in quotes"),
      group: account()
        .optional()
        .describe('Its group, by name or number; without it `nicshare`, where there is one'),
    })
    .prefault({})
    .describe('Where clients connect, and who may'),
  device: device.describe('Where packets come from and go to'),
  memory: z
    .strictObject({
      frameSize: powerOfTwo(layout.MIN_FRAME_SIZE, layout.MAX_FRAME_SIZE)
        .default(2048)
        .describe('Bytes of a frame, which holds one packet'),
      ringSize: powerOfTwo(layout.MIN_RING_SIZE, layout.MAX_RING_SIZE)
        .default(1024)
        .describe("Entries of a client's rings, and frames that it can send from"),
      frames: powerOfTwo(layout.MIN_RING_SIZE, layout.MAX_FRAMES)
        .default(2048)
        .describe('RX frames of a client: it can hold so many before it loses packets'),
      deviceRingSize: powerOfTwo(layout.MIN_RING_SIZE, 8192)
        .default(4096)
        .describe('Descriptors of each ring of the device'),
      hugepages: z
        .enum(['auto', 'require', 'never'])
        .default('auto')
        .describe(
          '2 MiB pages: where there are some, in any case (else the start is refused), or not at all',
        ),
      budget: byteCount
        .prefault('512MiB')
        .describe('Memory of all clients together; who asks beyond it is refused'),
    })
    .prefault({})
    .describe('Sizes of frames and rings'),
  idle: z
    .strictObject({
      spins: z
        .int()
        .min(0)
        .default(10)
        .describe(
          'Turns without work before the dataplane yields; more cost processor time and save some microseconds',
        ),
      yields: z.int().min(0).default(0).describe('Turns in which it yields its core before it sleeps'),
      wakeupInterval: z
        .number()
        .min(0)
        .max(10_000)
        .default(50)
        .describe('Least microseconds between two wake-ups of one client; meanwhile packets gather'),
    })
    .prefault({})
    .describe('What the dataplane does while there is no work'),
  queues: z.array(queue).min(1).max(256).describe('What clients attach to'),
  unmatched: z
    .enum(['pass', 'drop', 'tap'])
    .default('pass')
    .describe(
      'What becomes of packets that no queue takes: `pass` leaves them to the kernel where the device can; `tap` hands them to the kernel by an interface that the dispatcher makes, and sends what the kernel sends there',
    ),
  tap: tap.optional().describe('The interface of `unmatched: tap`'),
  capture: z
    .strictObject({
      allow: accounts()
        .optional()
        .describe(
          "Who may besides root and the dispatcher's own user; they see what all clients receive and send",
        ),
    })
    .optional()
    .describe('Who may watch packets by `nicshare tap`'),
  metrics: z
    .strictObject({
      listen: z
        .string()
        .refine((text) => parseListenAddress(text) !== undefined, {
          error: 'must be an address and a port, as 127.0.0.1:9464 or [::1]:9464',
        })
        .describe(
          'Address and port, as `127.0.0.1:9464` or `[::1]:9464`; no password is asked for, so keep it on loopback',
        ),
    })
    .optional()
    .describe(
      'Serves all counters at `/metrics` in the OpenMetrics format, for Prometheus and its like; off without it',
    ),
  latency: z
    .strictObject({
      sample: z
        .number()
        .min(0)
        .max(10_000_000)
        .default(DEFAULT_SAMPLE)
        .describe('Least microseconds between two samples of one client; 0 takes none'),
    })
    .optional()
    .describe(
      'Samples how long packets take from the device to the dispatcher, to the rxRing, and to the client. Without it, once a millisecond where `metrics` are served, and otherwise not at all: who watches pays for the looks at the clock',
    ),
  overflow: z
    .enum(['drop', 'hold'])
    .default('drop')
    .describe(
      '`hold`: packets are taken only while every client has room for them; for sources that can wait',
    ),
});

/** Microseconds between two latency samples of a client, at least; 0: none are taken. */
export const sampleInterval = ({ latency, metrics }: DispatcherConfig): number =>
  latency?.sample ?? (metrics ? DEFAULT_SAMPLE : 0);

/** As written by a user. */
export type DispatcherOptions = z.input<typeof configSchema>;
/** With all defaults filled in. */
export type DispatcherConfig = z.output<typeof configSchema>;
export type QueueConfig = DispatcherConfig['queues'][number];
