/** Registers of several widths, by their byte offsets: plain loads and stores of each register's own width. */
export class Structure {
  /** In the arena. */
  readonly offset: number;
  readonly bytes: number;
  readonly #u8: Uint8Array;
  readonly #u16: Uint16Array;
  readonly #u32: Uint32Array;

  constructor({ buffer }: WebAssembly.Memory, offset: number, bytes: number) {
    this.offset = offset;
    this.bytes = bytes;
    this.#u8 = new Uint8Array(buffer, offset, bytes);
    this.#u16 = new Uint16Array(buffer, offset, Math.floor(bytes / 2));
    this.#u32 = new Uint32Array(buffer, offset, Math.floor(bytes / 4));
  }

  read8(register: number): number {
    return this.#u8[register]!;
  }

  read16(register: number): number {
    return this.#u16[register / 2]!;
  }

  read32(register: number): number {
    return this.#u32[register / 4]!;
  }

  write8(register: number, value: number): void {
    this.#u8[register] = value;
  }

  write16(register: number, value: number): void {
    this.#u16[register / 2] = value;
  }

  write32(register: number, value: number): void {
    this.#u32[register / 4] = value;
  }

  /** As two halves (4.1.3.1). */
  write64(register: number, value: number): void {
    this.write32(register, value % 2 ** 32);
    this.write32(register + 4, Math.floor(value / 2 ** 32));
  }
}
