import { Assembler } from '../bpf/assembler.js';
import type { FlowMatch, RuleCoverage, RuleSet } from '../rules.js';
import { stamp } from './stamp.js';
import { CONTEXT_DATA, CONTEXT_DATA_END, CONTEXT_RX_QUEUE } from './xdp-context.js';

// enum xdp_action, enum bpf_func_id (linux/bpf.h)
export const XDP_DROP = 1;
export const XDP_PASS = 2;
export const XDP_REDIRECT = 4;
const HELPER_REDIRECT_MAP = 51;

// Header fields: linux/if_ether.h, RFC 791 section 3.1, RFC 8200 section 3.
const ETHERNET_HEADER = 14;
const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
const IPV4_MIN_HEADER = 20;
const IPV4_FRAGMENT = ETHERNET_HEADER + 6;
const IPV4_PROTOCOL = ETHERNET_HEADER + 9;
const IPV4_FRAGMENT_OFFSET_MASK = 0x1fff;
const IPV6_HEADER = 40;
const IPV6_NEXT_HEADER = ETHERNET_HEADER + 6;
/** TCP, UDP, SCTP, UDP-Lite: all have the destination port in bytes 2 and 3. */
const PROTOCOLS_WITH_PORTS = [6, 17, 132, 136];

/** Value of a field that the packet does not have; no match asks for it. */
const ABSENT = -1;

/**
 * Most matches that a program compares a packet with. A packet that none fits passes by all of them: 256 matches of
 * all four fields are 3,328 instructions, about a microsecond.
 */
export const MAX_MATCHES = 256;

export interface XdpProgram {
  readonly instructions: Buffer;
  readonly coverage: RuleCoverage;
}

/**
 * The XDP program that hands the packets of a rule set to the socket of their hardware queue, and all others to the
 * kernel or to nobody, or to the socket as well. Packets of queues without a socket go to the kernel. Which match fits
 * is not its affair, only whether one does. Above MAX_MATCHES it hands over all packets: coverage `superset`. Where it
 * `stamps`, the time stands before each packet that it hands over (stamp.ts).
 */
export function xdpProgram(rules: RuleSet, socketMap: number, stamps = false): XdpProgram {
  const { matches } = rules;
  const program = new Assembler();
  if (wantsAll(rules)) {
    handOver(program, socketMap, stamps);
  } else if (matches.length === 0) {
    decideUnmatched(program, rules);
  } else {
    if (matches.length <= MAX_MATCHES) {
      parseHeaders(program);
      compareAll(program, matches);
      decideUnmatched(program, rules);
    }
    program.label('redirect');
    handOver(program, socketMap, stamps);
  }
  return { instructions: program.assemble(), coverage: coverageOf(rules) };
}

const wantsAll = ({ matches, unmatched }: RuleSet): boolean => unmatched === 'take' || matches.some(fitsAll);

function coverageOf(rules: RuleSet): RuleCoverage {
  const { matches } = rules;
  if (matches.length <= MAX_MATCHES || wantsAll(rules)) return { coverage: 'exact' };
  const why = `There are ${matches.length} matches; the XDP program compares with ${MAX_MATCHES} at most.`;
  return { coverage: 'superset', why };
}

function decideUnmatched(program: Assembler, rules: RuleSet): void {
  program.label('unmatched');
  program.move('r0', rules.unmatched === 'drop' ? XDP_DROP : XDP_PASS).exit();
}

const fitsAll = (match: FlowMatch): boolean =>
  match.etherType === undefined &&
  match.protocol === undefined &&
  match.destinationPort === undefined &&
  match.destinationMac === undefined;

/**
 * Leaves r6 = EtherType, r7 = protocol, r8 = destination port, r9 = destination address, all as numbers in host
 * order or ABSENT, and keeps r1 = context. r2 = start of the packet, r3 = its end, r4 = start of the transport header.
 */
function parseHeaders(program: Assembler): void {
  program
    .load('u32', 'r2', 'r1', CONTEXT_DATA)
    .load('u32', 'r3', 'r1', CONTEXT_DATA_END)
    .move('r0', 'r2')
    .add('r0', ETHERNET_HEADER)
    .jumpIf('r0', '>', 'r3', 'unmatched')
    .load('u16', 'r6', 'r2', 12)
    .fromNetwork('r6', 16)
    .move('r7', ABSENT)
    .move('r8', ABSENT)
    .load('u32', 'r9', 'r2', 0)
    .fromNetwork('r9', 32)
    .shiftLeft('r9', 16)
    .load('u16', 'r0', 'r2', 4)
    .fromNetwork('r0', 16)
    .or('r9', 'r0')
    .jumpIf('r6', '==', ETHERTYPE_IPV4, 'ipv4')
    .jumpIf('r6', '==', ETHERTYPE_IPV6, 'ipv6')
    .jump('compare');
  parseIpv4(program);
  parseIpv6(program);
  parsePort(program);
  program.label('compare');
}

function parseIpv4(program: Assembler): void {
  program
    .label('ipv4')
    .move('r0', 'r2')
    .add('r0', ETHERNET_HEADER + IPV4_MIN_HEADER)
    .jumpIf('r0', '>', 'r3', 'compare')
    .load('u8', 'r5', 'r2', ETHERNET_HEADER)
    .move('r0', 'r5')
    .shiftRight('r0', 4)
    .jumpIf('r0', '!=', 4, 'compare')
    .and('r5', 15)
    .shiftLeft('r5', 2)
    .jumpIf('r5', '<', IPV4_MIN_HEADER, 'compare')
    .move('r4', 'r2')
    .add('r4', 'r5')
    .add('r4', ETHERNET_HEADER)
    .jumpIf('r4', '>', 'r3', 'compare')
    .load('u8', 'r7', 'r2', IPV4_PROTOCOL)
    .load('u16', 'r0', 'r2', IPV4_FRAGMENT)
    .fromNetwork('r0', 16)
    .and('r0', IPV4_FRAGMENT_OFFSET_MASK)
    .jumpIf('r0', '!=', 0, 'compare')
    .jump('port');
}

function parseIpv6(program: Assembler): void {
  program
    .label('ipv6')
    .move('r4', 'r2')
    .add('r4', ETHERNET_HEADER + IPV6_HEADER)
    .jumpIf('r4', '>', 'r3', 'compare')
    .load('u8', 'r0', 'r2', ETHERNET_HEADER)
    .shiftRight('r0', 4)
    .jumpIf('r0', '!=', 6, 'compare')
    .load('u8', 'r7', 'r2', IPV6_NEXT_HEADER);
}

function parsePort(program: Assembler): void {
  program.label('port');
  for (const protocol of PROTOCOLS_WITH_PORTS) program.jumpIf('r7', '==', protocol, 'has-port');
  program
    .jump('compare')
    .label('has-port')
    .move('r0', 'r4')
    .add('r0', 4)
    .jumpIf('r0', '>', 'r3', 'compare')
    .load('u16', 'r8', 'r4', 2)
    .fromNetwork('r8', 16);
}

/**
 * One branch a match: the differences of all its fields, or-ed together, are zero where it fits. A branch a field
 * would let the verifier learn from each, and its work would grow with the product of the fields' values.
 */
function compareAll(program: Assembler, matches: readonly FlowMatch[]): void {
  for (const match of matches) {
    program.move('r0', 0);
    if (match.etherType !== undefined) addDifference(program, 'r6', match.etherType);
    if (match.protocol !== undefined) addDifference(program, 'r7', match.protocol);
    if (match.destinationPort !== undefined) addDifference(program, 'r8', match.destinationPort);
    if (match.destinationMac !== undefined)
      program.loadImmediate('r5', macNumber(match.destinationMac)).xor('r5', 'r9').or('r0', 'r5');
    program.jumpIf('r0', '==', 0, 'redirect');
  }
}

function addDifference(program: Assembler, field: 'r6' | 'r7' | 'r8', value: number): void {
  program.move('r5', field).xor('r5', value).or('r0', 'r5');
}

const macNumber = (mac: Uint8Array): number => mac.reduce((number, byte) => number * 256 + byte, 0);

function handOver(program: Assembler, socketMap: number, stamps: boolean): void {
  if (stamps) stamp(program);
  program
    .load('u32', 'r2', 'r1', CONTEXT_RX_QUEUE)
    .loadMap('r1', socketMap)
    .move('r3', XDP_PASS)
    .call(HELPER_REDIRECT_MAP)
    .exit();
}
