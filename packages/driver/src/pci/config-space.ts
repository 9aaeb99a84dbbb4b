import { readSync, writeSync } from 'node:fs';

/** Offsets in the header of type 0 (PCI Local Bus Specification 3.0, 6.1). */
const COMMAND = 0x04;
const STATUS = 0x06;
const CAPABILITIES = 0x34;
const COMMAND_MEMORY = 1 << 1;
const COMMAND_BUS_MASTER = 1 << 2;
const COMMAND_INTX_DISABLE = 1 << 10;
const STATUS_CAPABILITIES = 1 << 4;
/** A device that has gone answers with ones. */
const GONE = 0xffff;

export interface Capability {
  readonly id: number;
  readonly offset: number;
}

type Width = 1 | 2 | 4;

/** A card's configuration space, as a range of a file: sysfs' `config`, or a region of a VFIO device. */
export class ConfigSpace {
  readonly #fd: number;
  readonly #base: number;
  readonly #bytes = Buffer.alloc(4);

  constructor(fd: number, base = 0) {
    this.#fd = fd;
    this.#base = base;
  }

  read8(offset: number): number {
    return this.#read(offset, 1);
  }

  read16(offset: number): number {
    return this.#read(offset, 2);
  }

  read32(offset: number): number {
    return this.#read(offset, 4);
  }

  write16(offset: number, value: number): void {
    this.#write(offset, value, 2);
  }

  write32(offset: number, value: number): void {
    this.#write(offset, value, 4);
  }

  /** Whether the card answers at all. */
  get present(): boolean {
    return this.read16(0) !== GONE;
  }

  /** The list of capabilities (6.7), at most as many as fit. */
  capabilities(): Capability[] {
    const found: Capability[] = [];
    if ((this.read16(STATUS) & STATUS_CAPABILITIES) === 0) return found;
    for (
      let at = this.read8(CAPABILITIES) & 0xfc;
      at !== 0 && found.length < 48;
      at = this.read8(at + 1) & 0xfc
    )
      found.push({ id: this.read8(at), offset: at });
    return found;
  }

  /** Whether the card may answer at its registers' addresses and reach memory by itself. */
  enable(memory: boolean, busMaster: boolean): void {
    const wanted = (memory ? COMMAND_MEMORY : 0) | (busMaster ? COMMAND_BUS_MASTER : 0);
    this.#changeCommand(COMMAND_MEMORY | COMMAND_BUS_MASTER, wanted);
  }

  /** Whether the card may raise its INTx line. */
  allowInterrupts(allowed: boolean): void {
    this.#changeCommand(COMMAND_INTX_DISABLE, allowed ? 0 : COMMAND_INTX_DISABLE);
  }

  #changeCommand(mask: number, value: number): void {
    this.write16(COMMAND, (this.read16(COMMAND) & ~mask) | value);
  }

  #read(offset: number, width: Width): number {
    this.#bytes.fill(0xff);
    readSync(this.#fd, this.#bytes, 0, width, this.#base + offset);
    return this.#bytes.readUIntLE(0, width);
  }

  #write(offset: number, value: number, width: Width): void {
    this.#bytes.writeUIntLE(value >>> 0, 0, width);
    writeSync(this.#fd, this.#bytes, 0, width, this.#base + offset);
  }
}
