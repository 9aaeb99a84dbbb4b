import { layout, NicshareError } from '@nicshare/shm';
import * as F from './filter-code.js';

/** A classic BPF program as it stands in memory: two words an instruction. */
export type FilterProgram = readonly number[];

const LOADS = [F.LD | F.W, F.LD | F.H, F.LD | F.B].flatMap((size) => [size | F.ABS, size | F.IND]);
const OPERATIONS = [F.ADD, F.SUB, F.MUL, F.DIV, F.OR, F.AND, F.LSH, F.RSH, F.MOD, F.XOR];
const CONDITIONS = [F.JEQ, F.JGT, F.JGE, F.JSET];
/** All codes of linux/filter.h's bpf_check_classic; what asks a socket is told by k. */
const CODES = new Set([
  ...LOADS,
  ...[F.LD, F.LDX].flatMap((kind) => [F.IMM, F.MEM, F.LEN].map((mode) => kind | mode)),
  F.LDX | F.B | F.MSH,
  F.ST,
  F.STX,
  ...OPERATIONS.flatMap((operation) => [F.ALU | operation, F.ALU | operation | F.X]),
  F.ALU | F.NEG,
  F.JMP | F.JA,
  ...CONDITIONS.flatMap((condition) => [F.JMP | condition, F.JMP | condition | F.X]),
  F.RET,
  F.RET | F.RETURNS_A,
  F.MISC,
  F.MISC | F.TXA,
]);

interface Instruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

const isMemory = (code: number): boolean =>
  code === F.ST || code === F.STX || code === (F.LD | F.MEM) || code === (F.LDX | F.MEM);

/** What is wrong with an instruction that `left` others follow; undefined where nothing is. */
function fault({ code, jt, jf, k }: Instruction, left: number): string | undefined {
  if (!CODES.has(code)) return `has the unknown code ${code}`;
  if (isMemory(code) && k >= F.MEMORY_WORDS) return `names word ${k} of the memory`;
  if ((code & F.CLASS) === F.JMP) {
    const furthest = (code & F.OPERATION) === F.JA ? k : Math.max(jt, jf);
    if (furthest >= left) return 'jumps out of the program';
  }
  const divides = code === (F.ALU | F.DIV) || code === (F.ALU | F.MOD);
  if (divides && k === 0) return 'divides by zero';
  const shifts = code === (F.ALU | F.LSH) || code === (F.ALU | F.RSH);
  if (shifts && k > 31) return `shifts by ${k} bits`;
  if (left === 0 && (code & F.CLASS) !== F.RET) return 'is the last and no return';
  return undefined;
}

/** Checks a program as the kernel does (net/core/filter.c, bpf_check_classic). Throws NicshareError FilterInvalid. */
export function requireFilter(program: FilterProgram): void {
  const count = program.length / 2;
  const refuse = (what: string): never => {
    throw new NicshareError('FilterInvalid', `The filter's program ${what}.`, 'Compile it by libpcap.');
  };
  if (!Number.isInteger(count) || count < 1 || count > layout.MAX_FILTER)
    refuse(`has ${count} instructions, not 1 to ${layout.MAX_FILTER}`);
  for (let i = 0; i < count; i++) {
    const word = program[2 * i]!;
    const instruction = {
      code: word & 0xffff,
      jt: (word >>> 16) & 0xff,
      jf: word >>> 24,
      k: program[2 * i + 1]!,
    };
    const why = fault(instruction, count - 1 - i);
    if (why !== undefined) refuse(`is not valid: instruction ${i} ${why}`);
  }
}
