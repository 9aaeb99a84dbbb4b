/*
 * Classic BPF programs, which say which packets a tap wants. A program was checked before it comes here
 * (src/dataplane/filter-program.ts): all instructions are known, jumps lead forward and not out of it, it ends with a
 * return. So a run is no longer than the program; what is left to check is that loads stay within the packet.
 */
import * as F from '../src/dataplane/filter-code';
import * as T from '../src/dataplane/tables';

/** Runs a program of `count` instructions on a packet; returns whether the packet fits. */
export function runFilter(program: u32, count: u32, packet: u32, length: u32): bool {
  memory.fill(T.FILTER_MEMORY, 0, F.MEMORY_WORDS * 4);
  const end = program + count * F.INSTRUCTION;
  let a: u32 = 0;
  let x: u32 = 0;
  for (let at = program; at < end; at += F.INSTRUCTION) {
    const code: u32 = load<u16>(at);
    const k = load<u32>(at, 4);
    const kind = code & F.CLASS;
    if (kind == F.JMP) {
      const operation = code & F.OPERATION;
      if (operation == F.JA) at += k * F.INSTRUCTION;
      else at += <u32>load<u8>(at + (holds(operation, a, code & F.X ? x : k) ? 2 : 3)) * F.INSTRUCTION;
    } else if (kind == F.LD) {
      const mode = code & F.MODE;
      if (mode == F.IMM) a = k;
      else if (mode == F.LEN) a = length;
      else if (mode == F.MEM) a = load<u32>(T.FILTER_MEMORY + (k << 2));
      else {
        const offset: u64 = <u64>k + (mode == F.IND ? <u64>x : 0);
        const size = code & F.SIZE;
        const bytes: u32 = size == F.W ? 4 : size == F.H ? 2 : 1;
        if (offset + bytes > <u64>length) return false;
        const from = packet + <u32>offset;
        a = bytes == 4 ? bswap<u32>(load<u32>(from)) : bytes == 2 ? <u32>bswap<u16>(load<u16>(from)) : load<u8>(from);
      }
    } else if (kind == F.LDX) {
      const mode = code & F.MODE;
      if (mode == F.IMM) x = k;
      else if (mode == F.LEN) x = length;
      else if (mode == F.MEM) x = load<u32>(T.FILTER_MEMORY + (k << 2));
      else {
        // MSH: the length of the IPv4 header whose first byte stands there.
        if (k >= length) return false;
        x = (<u32>load<u8>(packet + k) & 15) << 2;
      }
    } else if (kind == F.ALU) {
      const operation = code & F.OPERATION;
      const operand = code & F.X ? x : k;
      if ((operation == F.DIV || operation == F.MOD) && !operand) return false;
      a = calculated(operation, a, operand);
    } else if (kind == F.RET) {
      return (code & F.RETURNS_A ? a : k) != 0;
    } else if (kind == F.MISC) {
      if (code & F.TXA) a = x;
      else x = a;
    } else store<u32>(T.FILTER_MEMORY + (k << 2), kind == F.ST ? a : x);
  }
  return false;
}

// @ts-ignore: decorator
@inline
function holds(operation: u32, a: u32, operand: u32): bool {
  if (operation == F.JEQ) return a == operand;
  if (operation == F.JGT) return a > operand;
  if (operation == F.JGE) return a >= operand;
  return (a & operand) != 0;
}

// @ts-ignore: decorator
@inline
function calculated(operation: u32, a: u32, operand: u32): u32 {
  if (operation == F.ADD) return a + operand;
  if (operation == F.SUB) return a - operand;
  if (operation == F.MUL) return a * operand;
  if (operation == F.DIV) return a / operand;
  if (operation == F.MOD) return a % operand;
  if (operation == F.OR) return a | operand;
  if (operation == F.AND) return a & operand;
  if (operation == F.XOR) return a ^ operand;
  if (operation == F.NEG) return 0 - a;
  if (operand > 31) return 0;
  return operation == F.LSH ? a << operand : a >>> operand;
}
