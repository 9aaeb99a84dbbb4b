/*
 * Classic BPF: the parts of an instruction's code (linux/bpf_common.h, linux/filter.h). Read by TypeScript and by AssemblyScript alike: plain constants, no imports.
 *
 * An instruction is 8 bytes, struct sock_filter: code u16, jt u8, jf u8, k u32.
 */
export const INSTRUCTION = 8;
/** Words of scratch memory (BPF_MEMWORDS). */
export const MEMORY_WORDS = 16;

export const CLASS = 0x07;
export const LD = 0;
export const LDX = 1;
export const ST = 2;
export const STX = 3;
export const ALU = 4;
export const JMP = 5;
export const RET = 6;
export const MISC = 7;

export const SIZE = 0x18;
export const W = 0;
export const H = 0x08;
export const B = 0x10;

export const MODE = 0xe0;
export const IMM = 0;
export const ABS = 0x20;
export const IND = 0x40;
export const MEM = 0x60;
export const LEN = 0x80;
export const MSH = 0xa0;

export const OPERATION = 0xf0;
export const ADD = 0;
export const SUB = 0x10;
export const MUL = 0x20;
export const DIV = 0x30;
export const OR = 0x40;
export const AND = 0x50;
export const LSH = 0x60;
export const RSH = 0x70;
export const NEG = 0x80;
export const MOD = 0x90;
export const XOR = 0xa0;
export const JA = 0;
export const JEQ = 0x10;
export const JGT = 0x20;
export const JGE = 0x30;
export const JSET = 0x40;

/** The operand is X and not k. */
export const X = 0x08;
/** A return's value: A and not k. */
export const RETURNS_A = 0x10;
/** A = X; else X = A. */
export const TXA = 0x80;
