import test from 'ava';
import { MIN_XDP_PACKET } from '../bpf/calls.js';
import type { FlowMatch } from '../rules.js';
import { MAX_MATCHES, xdpProgram } from './program.js';
import { programVerdicts } from './verdict.js';

// The kernel itself runs the programs (BPF_PROG_TEST_RUN): that takes root.
const isRoot = process.getuid?.() === 0;
const kernelTest = isRoot ? test.serial : test.serial.skip;
const asRoot = isRoot ? '' : ' (skipped: loading a BPF program takes root)';

const MAC = new Uint8Array([0x02, 0x13, 0x24, 0x35, 0x46, 0x57]);
const u16 = (value: number): number[] => [value >> 8, value & 0xff];
const ethernet = (etherType: number): number[] => [...MAC, 2, 0, 0, 0, 0, 1, ...u16(etherType)];
const transport = (port: number): number[] => [
  ...u16(40000),
  ...u16(port),
  0,
  16,
  0,
  0,
  1,
  2,
  3,
  4,
  5,
  6,
  7,
  8,
];

interface Ipv4 {
  readonly protocol: number;
  readonly version?: number;
  /** Header length in 32-bit words. */
  readonly ihl?: number;
  /** Flags and fragment offset. */
  readonly fragment?: number;
}

function ipv4({ protocol, version = 4, ihl = 5, fragment = 0 }: Ipv4, port: number): Uint8Array {
  const header = [(version << 4) | ihl, 0, ...u16(44), 0, 1, ...u16(fragment), 64, protocol, 0, 0];
  const addresses = [10, 0, 0, 1, 10, 0, 0, 2];
  const options = new Array<number>(Math.max(0, ihl - 5) * 4).fill(1);
  return new Uint8Array([...ethernet(0x0800), ...header, ...addresses, ...options, ...transport(port)]);
}

function ipv6(nextHeader: number, port: number, version = 6): Uint8Array {
  const addresses = new Array<number>(32).fill(0x20);
  const header = [version << 4, 0, 0, 0, ...u16(16), nextHeader, 64, ...addresses];
  return new Uint8Array([...ethernet(0x86dd), ...header, ...transport(port)]);
}

const arp = new Uint8Array([...ethernet(0x0806), ...new Array<number>(46).fill(0)]);
const tagged = new Uint8Array([...ethernet(0x8100), 0, 5, ...ipv4({ protocol: 17 }, 53).subarray(12)]);
const NEVER = Number.POSITIVE_INFINITY;

/** A packet, a match, and the shortest cut of the packet that the match fits. */
const CASES: readonly (readonly [string, Uint8Array, FlowMatch, number])[] = [
  ['any, ARP', arp, {}, 14],
  ['EtherType, ARP', arp, { etherType: 0x0806 }, 14],
  ['EtherType of another protocol', arp, { etherType: 0x0800 }, NEVER],
  ['MAC', arp, { destinationMac: MAC }, 14],
  ['MAC that differs in its first byte', arp, { destinationMac: MAC.with(0, 0x03) }, NEVER],
  ['MAC that differs in its last byte', arp, { destinationMac: MAC.with(5, 0x58) }, NEVER],
  ['protocol of a packet without one', arp, { protocol: 0 }, NEVER],
  ['port of a packet without one', arp, { destinationPort: 0 }, NEVER],

  ['UDP over IPv4, EtherType', ipv4({ protocol: 17 }, 53), { etherType: 0x0800 }, 14],
  ['UDP over IPv4, protocol', ipv4({ protocol: 17 }, 53), { protocol: 17 }, 34],
  ['UDP over IPv4, port', ipv4({ protocol: 17 }, 53), { destinationPort: 53 }, 38],
  ['UDP over IPv4, another port', ipv4({ protocol: 17 }, 53), { destinationPort: 54 }, NEVER],
  ['UDP over IPv4, its source port', ipv4({ protocol: 17 }, 53), { destinationPort: 40000 }, NEVER],
  [
    'UDP over IPv4, another protocol',
    ipv4({ protocol: 17 }, 53),
    { protocol: 6, destinationPort: 53 },
    NEVER,
  ],
  [
    'UDP over IPv4, all fields',
    ipv4({ protocol: 17 }, 53),
    { etherType: 0x0800, protocol: 17, destinationPort: 53, destinationMac: MAC },
    38,
  ],
  ['TCP over IPv4, port 65535', ipv4({ protocol: 6 }, 65535), { destinationPort: 65535 }, 38],
  ['SCTP over IPv4, port 0', ipv4({ protocol: 132 }, 0), { destinationPort: 0 }, 38],
  ['UDP-Lite over IPv4', ipv4({ protocol: 136 }, 53), { destinationPort: 53 }, 38],
  ['ICMP, protocol', ipv4({ protocol: 1 }, 53), { protocol: 1 }, 34],
  ['ICMP has no port', ipv4({ protocol: 1 }, 53), { destinationPort: 53 }, NEVER],

  ['IPv4 options, protocol', ipv4({ protocol: 17, ihl: 7 }, 53), { protocol: 17 }, 42],
  ['IPv4 options, port', ipv4({ protocol: 17, ihl: 7 }, 53), { destinationPort: 53 }, 46],
  ['most IPv4 options, port', ipv4({ protocol: 6, ihl: 15 }, 443), { destinationPort: 443 }, 78],
  ['IPv4 header too short', ipv4({ protocol: 17, ihl: 4 }, 53), { protocol: 17 }, NEVER],
  ['IPv4 header of another version', ipv4({ protocol: 17, version: 6 }, 53), { protocol: 17 }, NEVER],
  [
    'IPv4 header of another version, EtherType',
    ipv4({ protocol: 17, version: 5 }, 53),
    { etherType: 0x0800 },
    14,
  ],

  ['first fragment, port', ipv4({ protocol: 17, fragment: 0x2000 }, 53), { destinationPort: 53 }, 38],
  ['not to be fragmented, port', ipv4({ protocol: 17, fragment: 0x4000 }, 53), { destinationPort: 53 }, 38],
  ['later fragment, protocol', ipv4({ protocol: 17, fragment: 0x2001 }, 53), { protocol: 17 }, 34],
  ['later fragment, port', ipv4({ protocol: 17, fragment: 0x2001 }, 53), { destinationPort: 53 }, NEVER],
  ['last fragment, port', ipv4({ protocol: 17, fragment: 0x1000 }, 53), { destinationPort: 53 }, NEVER],

  ['UDP over IPv6, protocol', ipv6(17, 53), { protocol: 17 }, 54],
  ['UDP over IPv6, port', ipv6(17, 53), { destinationPort: 53 }, 58],
  ['UDP over IPv6, not that over IPv4', ipv6(17, 53), { etherType: 0x0800, destinationPort: 53 }, NEVER],
  ['TCP over IPv6, port', ipv6(6, 443), { protocol: 6, destinationPort: 443 }, 58],
  ['IPv6 extension header, protocol', ipv6(44, 53), { protocol: 44 }, 54],
  ['IPv6 extension header, port', ipv6(44, 53), { destinationPort: 53 }, NEVER],
  ['IPv6 header of another version', ipv6(17, 53, 4), { protocol: 17 }, NEVER],

  ['VLAN tag, its EtherType', tagged, { etherType: 0x8100 }, 14],
  ['VLAN tag is not looked through', tagged, { etherType: 0x0800 }, NEVER],
  ['VLAN tag hides the protocol', tagged, { protocol: 17 }, NEVER],
];

for (const [name, packet, match, shortest] of CASES)
  kernelTest(`${name}: fits at every length from ${shortest}${asRoot}`, (t) => {
    const cuts: Uint8Array[] = [];
    for (let length = MIN_XDP_PACKET; length <= packet.length; length++)
      cuts.push(packet.subarray(0, length));
    const expected = (other: 'pass' | 'drop'): string[] =>
      cuts.map(({ length }) => (length >= shortest ? 'redirect' : other));
    t.deepEqual(programVerdicts({ matches: [match], unmatched: 'pass' }, cuts), expected('pass'));
    t.deepEqual(programVerdicts({ matches: [match], unmatched: 'drop' }, cuts), expected('drop'));
  });

kernelTest(`without matches all packets pass or all drop${asRoot}`, (t) => {
  const packets = [arp, ipv6(17, 53), new Uint8Array(14)];
  t.deepEqual(programVerdicts({ matches: [], unmatched: 'pass' }, packets), ['pass', 'pass', 'pass']);
  t.deepEqual(programVerdicts({ matches: [], unmatched: 'drop' }, packets), ['drop', 'drop', 'drop']);
});

kernelTest(`where the unmatched are taken, all packets are${asRoot}`, (t) => {
  const packets = [arp, ipv6(17, 53), new Uint8Array(14)];
  for (const matches of [[], [{ protocol: 6 }], manyMatches(MAX_MATCHES + 1)])
    t.deepEqual(programVerdicts({ matches, unmatched: 'take' }, packets), [
      'redirect',
      'redirect',
      'redirect',
    ]);
});

/** Matches in which the fields' values recur, so that every field alone fits often and all together only once. */
function manyMatches(count: number): FlowMatch[] {
  const protocols = [6, 17, 132, 136];
  return Array.from({ length: count }, (_, i) => ({
    etherType: i % 2 === 0 ? 0x0800 : 0x86dd,
    protocol: protocols[(i >> 1) % 4]!,
    destinationPort: 1000 + i,
    destinationMac: i % 3 === 0 ? MAC : MAC.with(3, i & 0xff),
  }));
}

kernelTest(`the verifier takes the most matches, and each of them works${asRoot}`, (t) => {
  const matches = manyMatches(MAX_MATCHES);
  const packets = matches.map(({ etherType, protocol, destinationPort, destinationMac }) => {
    const packet =
      etherType === 0x0800
        ? ipv4({ protocol: protocol! }, destinationPort!)
        : ipv6(protocol!, destinationPort!);
    packet.set(destinationMac!);
    return packet;
  });
  const wrong = packets.map((packet) => packet.with(0, 0x04));
  t.true(programVerdicts({ matches, unmatched: 'pass' }, packets).every((verdict) => verdict === 'redirect'));
  t.true(programVerdicts({ matches, unmatched: 'drop' }, wrong).every((verdict) => verdict === 'drop'));
});

kernelTest(`more matches than that hand over all packets${asRoot}`, (t) => {
  const rules = { matches: manyMatches(MAX_MATCHES + 1), unmatched: 'drop' } as const;
  t.deepEqual(programVerdicts(rules, [arp, new Uint8Array(14)]), ['redirect', 'redirect']);
});

test('a packet that no XDP program meets is refused', (t) => {
  const short = new Uint8Array(MIN_XDP_PACKET - 1);
  t.throws(() => programVerdicts({ matches: [], unmatched: 'pass' }, [short]), { instanceOf: RangeError });
});

test('coverage is exact up to the limit, and then a superset that says why', (t) => {
  const coverage = (count: number) =>
    xdpProgram({ matches: manyMatches(count), unmatched: 'pass' }, 3).coverage;
  t.deepEqual(coverage(0), { coverage: 'exact' });
  t.deepEqual(coverage(MAX_MATCHES), { coverage: 'exact' });
  t.is(coverage(MAX_MATCHES + 1).coverage, 'superset');
  t.regex(coverage(MAX_MATCHES + 1).why ?? '', /257 matches/);
  t.is(xdpProgram({ matches: manyMatches(300), unmatched: 'take' }, 3).coverage.coverage, 'exact');
  t.is(xdpProgram({ matches: [...manyMatches(300), {}], unmatched: 'pass' }, 3).coverage.coverage, 'exact');
});
