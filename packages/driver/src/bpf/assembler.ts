/*
 * An assembler for the eBPF instruction set (RFC 9669): each method writes one instruction. An operand is a register
 * by name or an immediate by number; arithmetic is 64 bits wide, immediates are 32 bits and sign-extended.
 */

export type Register = 'r0' | 'r1' | 'r2' | 'r3' | 'r4' | 'r5' | 'r6' | 'r7' | 'r8' | 'r9' | 'r10';
export type Operand = Register | number;
export type LoadSize = 'u8' | 'u16' | 'u32' | 'u64';
export type Condition = '==' | '!=' | '>' | '>=' | '<' | '<=';

export const INSTRUCTION_BYTES = 8;

// Instruction classes and source bit (RFC 9669, section 3).
const CLASS_ALU = 0x04;
const CLASS_JMP = 0x05;
const CLASS_ALU64 = 0x07;
const SOURCE_REGISTER = 0x08;

// Arithmetic (section 4.1).
const ALU = { add: 0x00, or: 0x40, and: 0x50, shiftLeft: 0x60, shiftRight: 0x70, xor: 0xa0, move: 0xb0 };
/** Byte swap to big endian (section 4.2). */
const TO_BIG_ENDIAN = CLASS_ALU | 0xd0 | 0x08;

// Jumps (section 4.3).
const JUMP_ALWAYS = CLASS_JMP;
const CALL = CLASS_JMP | 0x80;
const EXIT = CLASS_JMP | 0x90;
const CONDITIONS: Readonly<Record<Condition, number>> = {
  '==': 0x10,
  '>': 0x20,
  '>=': 0x30,
  '!=': 0x50,
  '<': 0xa0,
  '<=': 0xb0,
};

// Loads and stores (section 5).
const LOAD: Readonly<Record<LoadSize, number>> = { u32: 0x61, u16: 0x69, u8: 0x71, u64: 0x79 };
/** Store of a register, 64 bits. */
const STORE_64 = 0x7b;
const LOAD_IMMEDIATE_64 = 0x18;
/** Source register of a 64-bit immediate that is a map's descriptor (section 5.4). */
const SOURCE_MAP_FD = 1;

const MAX_JUMP = 32767;

const numberOf = (register: Register): number => Number(register.slice(1));

export class Assembler {
  readonly #bytes: number[] = [];
  readonly #labels = new Map<string, number>();
  readonly #jumps: { readonly at: number; readonly label: string }[] = [];

  /** Instructions so far; a 64-bit immediate counts as two. */
  get length(): number {
    return this.#bytes.length / INSTRUCTION_BYTES;
  }

  move(target: Register, value: Operand): this {
    return this.#alu(ALU.move, target, value);
  }
  add(target: Register, value: Operand): this {
    return this.#alu(ALU.add, target, value);
  }
  and(target: Register, value: Operand): this {
    return this.#alu(ALU.and, target, value);
  }
  or(target: Register, value: Operand): this {
    return this.#alu(ALU.or, target, value);
  }
  xor(target: Register, value: Operand): this {
    return this.#alu(ALU.xor, target, value);
  }
  shiftLeft(target: Register, value: Operand): this {
    return this.#alu(ALU.shiftLeft, target, value);
  }
  shiftRight(target: Register, value: Operand): this {
    return this.#alu(ALU.shiftRight, target, value);
  }

  /** Turns the low `bits` of a register from network order into a number; the bits above become zero. */
  fromNetwork(target: Register, bits: 16 | 32 | 64): this {
    return this.#write(TO_BIG_ENDIAN, numberOf(target), 0, 0, bits);
  }

  /** target = the value at source + offset, zero-extended. */
  load(size: LoadSize, target: Register, source: Register, offset: number): this {
    return this.#write(LOAD[size], numberOf(target), numberOf(source), offset, 0);
  }

  /** The 64-bit value at target + offset = source. */
  store(target: Register, offset: number, source: Register): this {
    return this.#write(STORE_64, numberOf(target), numberOf(source), offset, 0);
  }

  /** target = an unsigned number up to 2^53; two instructions. */
  loadImmediate(target: Register, value: number): this {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new RangeError(`${value} is no safe unsigned integer`);
    return this.#immediate64(target, 0, value % 2 ** 32, Math.floor(value / 2 ** 32));
  }

  /** target = the map that the descriptor names; two instructions. */
  loadMap(target: Register, fd: number): this {
    return this.#immediate64(target, SOURCE_MAP_FD, fd, 0);
  }

  jump(label: string): this {
    this.#jumps.push({ at: this.length, label });
    return this.#write(JUMP_ALWAYS, 0, 0, 0, 0);
  }

  /** Jumps where `left condition right` holds of the unsigned values. */
  jumpIf(left: Register, condition: Condition, right: Operand, label: string): this {
    this.#jumps.push({ at: this.length, label });
    return this.#operation(CLASS_JMP | CONDITIONS[condition], left, right);
  }

  /** Calls the kernel's helper function of that number (enum bpf_func_id, linux/bpf.h). */
  call(helper: number): this {
    return this.#write(CALL, 0, 0, 0, helper);
  }

  exit(): this {
    return this.#write(EXIT, 0, 0, 0, 0);
  }

  /** Names the place of the next instruction. */
  label(name: string): this {
    if (this.#labels.has(name)) throw new Error(`The label ${name} stands twice`);
    this.#labels.set(name, this.length);
    return this;
  }

  /** The program as the kernel takes it. Throws where a label is missing or too far away. */
  assemble(): Buffer {
    const program = Buffer.from(this.#bytes);
    for (const { at, label } of this.#jumps) {
      const target = this.#labels.get(label);
      if (target === undefined) throw new Error(`The label ${label} stands nowhere`);
      const distance = target - at - 1;
      if (Math.abs(distance) > MAX_JUMP) throw new Error(`The label ${label} is too far away: ${distance}`);
      program.writeInt16LE(distance, at * INSTRUCTION_BYTES + 2);
    }
    return program;
  }

  #alu(operation: number, target: Register, value: Operand): this {
    return this.#operation(CLASS_ALU64 | operation, target, value);
  }

  #operation(code: number, target: Register, value: Operand): this {
    return typeof value === 'number'
      ? this.#write(code, numberOf(target), 0, 0, value)
      : this.#write(code | SOURCE_REGISTER, numberOf(target), numberOf(value), 0, 0);
  }

  #immediate64(target: Register, source: number, low: number, high: number): this {
    this.#write(LOAD_IMMEDIATE_64, numberOf(target), source, 0, low);
    return this.#write(0, 0, 0, 0, high);
  }

  /** Encoding of section 3.1: code, registers, offset, immediate; little endian. */
  #write(code: number, target: number, source: number, offset: number, immediate: number): this {
    this.#bytes.push(code, (source << 4) | target, offset & 0xff, (offset >> 8) & 0xff);
    this.#bytes.push(
      immediate & 0xff,
      (immediate >> 8) & 0xff,
      (immediate >> 16) & 0xff,
      (immediate >> 24) & 0xff,
    );
    return this;
  }
}
