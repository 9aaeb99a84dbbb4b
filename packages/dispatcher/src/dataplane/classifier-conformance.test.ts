import { type FlowMatch, firstMatch, programVerdicts } from '@nicshare/driver';
import test from 'ava';
import { loadPlane } from './plane.js';
import { writeRules } from './rule-table.js';

/*
 * The XDP program decides what comes to us, the Classifier whose it is: on every packet they must agree on whether
 * any queue wants it. The judge of the program is the kernel that runs it. The fake device reads packets in TypeScript
 * (firstMatch), and must agree on the rule too, by which it may choose a ring.
 */

const PACKET = 1 << 20;
const NO_DEVICE = { rxBurst: () => 0, rxRelease: () => {}, txReserve: () => 0, txBurst: () => {} };
const SHORTEST = 14;
const RULE_SETS = 60;
const PACKETS = 400;

/** A small seeded generator (xorshift32): the same packets at every run. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const MACS = [
  [2, 0, 0, 0, 0, 1],
  [2, 0, 0, 0, 0, 2],
  [255, 255, 255, 255, 255, 255],
];
const ETHER_TYPES = [0x0800, 0x0800, 0x0800, 0x86dd, 0x86dd, 0x0806, 0x8100];
const PROTOCOLS = [1, 6, 17, 17, 58, 132, 136, 0, 255];
const PORTS = [7, 53, 80, 0, 65535];

function randomPacket(below: (limit: number) => number): Uint8Array {
  const packet = Uint8Array.from({ length: SHORTEST + below(100) }, () => below(256));
  const view = new DataView(packet.buffer);
  packet.set(MACS[below(MACS.length)]!);
  const etherType = ETHER_TYPES[below(ETHER_TYPES.length)]!;
  view.setUint16(12, etherType);
  const protocol = PROTOCOLS[below(PROTOCOLS.length)]!;
  const port = PORTS[below(PORTS.length)]!;
  const put = (offset: number, value: number): void => {
    if (offset < packet.length) packet[offset] = value;
  };
  if (etherType === 0x0800) {
    const words = [5, 5, 5, 6, 15, 4][below(6)]!;
    put(14, ([4, 4, 4, 6][below(4)]! << 4) | words);
    put(20, [0, 0, 0x40, 0x20, 0x1f][below(5)]!);
    put(21, [0, 0, 0, 1][below(4)]!);
    put(23, protocol);
    put(14 + words * 4 + 2, port >> 8);
    put(14 + words * 4 + 3, port & 255);
  } else if (etherType === 0x86dd) {
    put(14, [6, 6, 6, 4][below(4)]! << 4);
    put(20, protocol);
    put(54 + 2, port >> 8);
    put(54 + 3, port & 255);
  }
  return packet;
}

function randomMatch(below: (limit: number) => number): FlowMatch {
  const some = <T>(values: readonly T[]): T => values[below(values.length)]!;
  return {
    ...(below(3) === 0 && { etherType: some(ETHER_TYPES) }),
    ...(below(2) === 0 && { protocol: some(PROTOCOLS) }),
    ...(below(2) === 0 && { destinationPort: some(PORTS) }),
    ...(below(3) === 0 && { destinationMac: Uint8Array.from(some(MACS)) }),
  };
}

interface Case {
  readonly matches: readonly FlowMatch[];
  readonly packets: readonly Uint8Array[];
  /** The queue that the Classifier finds for each packet, or -1. */
  readonly queues: readonly number[];
}

/** The Classifier's answers on random packets and rules. */
function* cases(): Generator<Case> {
  const below = generator(0x9e3779b9);
  const memory = new WebAssembly.Memory({ initial: 32, maximum: 32, shared: true });
  const plane = loadPlane(memory, NO_DEVICE);
  const bytes = new Uint8Array(memory.buffer);
  for (let set = 0; set < RULE_SETS; set++) {
    const matches = Array.from({ length: 1 + below(5) }, () => randomMatch(below));
    const packets = Array.from({ length: PACKETS }, () => randomPacket(below));
    writeRules(
      new DataView(memory.buffer),
      matches.map((match, queue) => ({ match, queue })),
    );
    const queues = packets.map((packet) => {
      bytes.fill(0, PACKET, PACKET + 256);
      bytes.set(packet, PACKET);
      return plane.classifyPacket(PACKET, packet.length);
    });
    yield { matches, packets, queues };
  }
}

const shown = (matches: readonly FlowMatch[], packet: Uint8Array): string =>
  `${JSON.stringify(matches)}: ${Buffer.from(packet).toString('hex')}`;

const asRoot = process.getuid?.() === 0 ? test : test.skip;

asRoot('the XDP program and the Classifier agree (needs root)', (t) => {
  let wanted = 0;
  for (const { matches, packets, queues } of cases()) {
    const verdicts = programVerdicts({ matches, unmatched: 'drop' }, packets);
    packets.forEach((packet, index) => {
      const expected = queues[index]! >= 0 ? 'redirect' : 'drop';
      if (expected === 'redirect') wanted++;
      if (verdicts[index] !== expected) t.fail(`${shown(matches, packet)}: ${verdicts[index]}`);
    });
  }
  const share = wanted / (RULE_SETS * PACKETS);
  t.true(share > 0.1 && share < 0.9, 'both answers were put to the test');
});

test('the fake device and the Classifier find the same rule', (t) => {
  const found = new Set<number>();
  for (const { matches, packets, queues } of cases())
    packets.forEach((packet, index) => {
      const rule = firstMatch(matches, packet);
      found.add(rule);
      if (rule !== queues[index]) t.fail(`${shown(matches, packet)}: ${rule}, not ${queues[index]}`);
    });
  t.deepEqual([...found].sort(), [-1, 0, 1, 2, 3, 4]);
});
