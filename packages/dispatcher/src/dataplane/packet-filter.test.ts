import { fileURLToPath } from 'node:url';
import { readCapture } from '@nicshare/driver';
import { isNicshareError, layout } from '@nicshare/shm';
import test from 'ava';
import koffi from 'koffi';
import { PacketFilter } from '../cli/tap/filter.js';
import * as F from './filter-code.js';
import { requireFilter } from './filter-program.js';
import { loadPlane } from './plane.js';
import * as T from './tables.js';

/* The dataplane's filter must take what libpcap would take: the judge is pcap_offline_filter(3PCAP). */

const NO_DEVICE = { rxBurst: () => 0, rxRelease: () => {}, txReserve: () => 0, txBurst: () => {} };
const CAPTURE = fileURLToPath(new URL('../../../../examples/captures/demo.pcap', import.meta.url));
const PACKET = 1 << 20;
const LONGEST = 2048;
const RANDOM_PACKETS = 1000;
const RANDOM_PROGRAMS = 2000;

function loads(): boolean {
  try {
    new PacketFilter('ip', LONGEST).close();
    return true;
  } catch (error) {
    if (isNicshareError(error, 'NotSupported')) return false;
    throw error;
  }
}
const withPcap = loads() ? test : test.skip;
const title = (text: string): string => (loads() ? text : `${text} (skipped: there is no libpcap)`);

/** A small seeded generator (xorshift32): the same packets and programs at every run. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** The filter in WebAssembly, and beside it the memory in which a packet lies for both. */
function bench() {
  const memory = new WebAssembly.Memory({ initial: 32, maximum: 65536, shared: true });
  const plane = loadPlane(memory, NO_DEVICE);
  const bytes = new Uint8Array(memory.buffer);
  const words = new Uint32Array(memory.buffer);
  return {
    bytes,
    program: (program: readonly number[]) => words.set(program, T.FILTERS >> 2),
    fits: (instructions: number, length: number) =>
      plane.runFilter(T.FILTERS, instructions, PACKET, length) === 1,
  };
}

const EXPRESSIONS = [
  'ip',
  'ip6',
  'arp',
  'udp',
  'tcp',
  'icmp',
  'udp port 53',
  'udp dst port 7',
  'udp src port 44689',
  'tcp dst port 443',
  'port 7 or port 53',
  'portrange 1-1024',
  'host 10.77.0.1',
  'src host 10.77.0.2',
  'dst net 10.77.0.0/16',
  'ether host 02:00:00:00:77:01',
  'ether broadcast',
  'ether multicast',
  'greater 200',
  'less 100',
  'len >= 60 and len <= 300',
  'not udp',
  'udp and not port 7',
  'ip[8] < 64',
  'ip[6:2] & 0x1fff = 0',
  'tcp[tcpflags] & (tcp-syn|tcp-fin) != 0',
  'udp[4:2] > 100',
  'ip[2:2] - ((ip[0] & 0xf) << 2) > 50',
  'icmp[icmptype] = icmp-echo',
  'vlan',
  'ether[0] & 1 = 0 and ip[16] >= 224',
  '(udp and (port 7 or port 9)) or (tcp and host 10.77.0.1) or arp',
  'ether proto 0x88cc',
  'ip proto 47 or ip proto 50',
];

/** Packets of a capture, and random ones that look like some at their start. */
function packets(): Uint8Array[] {
  const found: Uint8Array[] = [];
  readCapture(CAPTURE, ({ bytes }) => found.push(Uint8Array.from(bytes)));
  const below = generator(7);
  const real = found.length;
  for (let i = 0; i < RANDOM_PACKETS; i++) {
    const packet = Uint8Array.from(found[below(real)]!).subarray(0, below(120));
    for (let changes = below(6); changes > 0 && packet.length > 0; changes--)
      packet[below(packet.length)] = below(256);
    found.push(packet);
  }
  return found;
}

withPcap(title('expressions take the same packets as by libpcap'), (t) => {
  const { bytes, program, fits } = bench();
  const all = packets();
  let taken = 0;
  for (const expression of EXPRESSIONS) {
    const filter = new PacketFilter(expression, 65535);
    const code = filter.program;
    requireFilter(code);
    program(code);
    let differing = 0;
    for (const packet of all) {
      bytes.set(packet, PACKET);
      const wanted = filter.matches(bytes, PACKET, packet.length, packet.length);
      if (wanted) taken++;
      if (fits(code.length / 2, packet.length) !== wanted) differing++;
    }
    t.is(differing, 0, expression);
    filter.close();
  }
  t.true(taken > 1000 && taken < EXPRESSIONS.length * all.length);
});

const SIZES = [F.W, F.H, F.B];
const OPERATIONS = [F.ADD, F.SUB, F.MUL, F.DIV, F.OR, F.AND, F.LSH, F.RSH, F.MOD, F.XOR];
const CONDITIONS = [F.JEQ, F.JGT, F.JGE, F.JSET];

/** A random program that `requireFilter` allows, all kinds of instructions alike often. */
function randomProgram(below: (limit: number) => number): number[] {
  const length = 4 + below(40);
  const words: number[] = [];
  // libpcap leaves the memory as it finds it.
  for (let word = 0; word < F.MEMORY_WORDS; word++) words.push(F.ST, word);
  for (let left = length; left > 0; left--) {
    const k = [below(4), below(64), below(2 ** 31) * 2 + 1][below(3)]!;
    const jump = (): number => below(Math.min(left, 256));
    const source = below(2) === 0 ? 0 : F.X;
    const word = below(F.MEMORY_WORDS);
    const operation = OPERATIONS[below(OPERATIONS.length)]!;
    const small = operation === F.LSH || operation === F.RSH ? below(32) : Math.max(k, 1);
    const kinds: (readonly [number, number])[] = [
      [F.LD | SIZES[below(3)]! | F.ABS, below(80)],
      [F.LD | SIZES[below(3)]! | F.IND, below(40)],
      [F.LD | F.IMM, k],
      [F.LD | F.LEN, 0],
      [F.LD | F.MEM, word],
      [F.LDX | F.IMM, below(60)],
      [F.LDX | F.LEN, 0],
      [F.LDX | F.MEM, word],
      [F.LDX | F.B | F.MSH, below(60)],
      [F.ST, word],
      [F.STX, word],
      [F.ALU | operation | source, small],
      [F.ALU | F.NEG, 0],
      [F.JMP | F.JA, jump()],
      [F.JMP | CONDITIONS[below(4)]! | source | (jump() << 16) | (jump() << 24), k],
      [F.MISC, 0],
      [F.MISC | F.TXA, 0],
    ];
    const [code, operand] = kinds[below(kinds.length)]!;
    words.push(code >>> 0, operand >>> 0);
  }
  words.push(F.RET | F.RETURNS_A, 0);
  return words;
}

withPcap(title('random programs take the same packets as by libpcap'), (t) => {
  const filterBy = koffi
    .load('libpcap.so.0.8')
    .func('int pcap_offline_filter(const void *program, const void *header, const void *packet)');
  const { bytes, program, fits } = bench();
  const below = generator(11);
  const all = packets();
  let taken = 0;
  let differing = 0;
  for (let i = 0; i < RANDOM_PROGRAMS; i++) {
    const words = Uint32Array.from(randomProgram(below));
    requireFilter([...words]);
    program([...words]);
    const description = Buffer.alloc(16);
    description.writeUInt32LE(words.length / 2, 0);
    description.writeBigUInt64LE(BigInt(koffi.address(words)), 8);
    for (let n = 0; n < 20; n++) {
      const packet = all[below(all.length)]!;
      const header = Buffer.alloc(24);
      header.writeUInt32LE(packet.length, 16);
      header.writeUInt32LE(packet.length, 20);
      bytes.set(packet, PACKET);
      const wanted = filterBy(description, header, packet.length > 0 ? packet : Buffer.alloc(1)) !== 0;
      if (wanted) taken++;
      if (fits(words.length / 2, packet.length) !== wanted) differing++;
    }
  }
  t.is(differing, 0);
  t.true(taken > RANDOM_PROGRAMS && taken < RANDOM_PROGRAMS * 19);
});

withPcap(title('a program with a loop, as libpcap makes it of protochain, is refused'), (t) => {
  const filter = new PacketFilter('ip6 protochain 6', LONGEST);
  t.throws(() => requireFilter(filter.program), { name: 'FilterInvalid', message: /jumps out/ });
  filter.close();
});

const RETURN = [F.RET, 1];
const WRONG: readonly (readonly [string, readonly number[], RegExp])[] = [
  ['of no instruction', [], /0 instructions/],
  ['of half an instruction', [F.RET], /0\.5 instructions/],
  ['that is too long', Array(2 * (layout.MAX_FILTER + 1)).fill(0), /257 instructions/],
  ['without a return', [F.LD | F.IMM, 1], /no return/],
  ['with a jump out of it', [F.JMP | F.JA, 1, ...RETURN], /instruction 0 jumps out/],
  ['with a jump back', [F.JMP | F.JA, 0xffffffff, ...RETURN], /jumps out/],
  ['with a branch out of it', [F.JMP | F.JEQ | (1 << 24), 1, ...RETURN], /jumps out/],
  ['with an unknown code', [0xff, 0, ...RETURN], /unknown code 255/],
  ['with a word that is none', [F.ST, 16, ...RETURN], /word 16/],
  ['with a division by zero', [F.ALU | F.DIV, 0, ...RETURN], /divides by zero/],
  ['with a shift too far', [F.ALU | F.LSH, 32, ...RETURN], /shifts by 32/],
];

for (const [what, program, said] of WRONG)
  test(`a program ${what} is refused`, (t) => {
    t.throws(() => requireFilter(program), { name: 'FilterInvalid', message: said });
  });

test('the longest program has room', (t) => {
  t.is(layout.MAX_FILTER * F.INSTRUCTION, T.FILTER_BYTES);
  t.true(T.TABLES_END <= 1 << 20);
});
