import { NicshareError } from '@nicshare/shm';
import { addressOf } from '@nicshare/shm/sys';
import koffi from 'koffi';

/* pcap-filter(7) by libpcap itself: pcap_compile(3PCAP), pcap_offline_filter(3PCAP). */

const NAMES = ['libpcap.so.0.8', 'libpcap.so.1'] as const;
const DLT_EN10MB = 1;
const OPTIMIZE = 1;
const PCAP_NETMASK_UNKNOWN = 0xffffffff;
/** struct bpf_program: a count, and the address of the instructions. */
const PROGRAM_BYTES = 16;
/** struct bpf_insn: code u16, jt u8, jf u8, k u32. */
const INSTRUCTION_BYTES = 8;
/** struct pcap_pkthdr: a timeval, the captured and the whole length. */
const HEADER_BYTES = 24;
const CAPTURED = 16;
const ORIGINAL = 20;
/** Loads from here on are not of the packet but of what a socket knows of it (SKF_AD_OFF, linux/filter.h). */
const ANCILLARY = 0xfffff000;
/** BPF_CLASS, and its BPF_LD and BPF_LDX; BPF_MODE, and its BPF_ABS (linux/bpf_common.h). */
const CLASS = 0x07;
const LDX = 0x01;
const MODE = 0xe0;
const ABSOLUTE = 0x20;

function loadLibrary(): ReturnType<typeof koffi.load> {
  for (const name of NAMES) {
    try {
      return koffi.load(name);
    } catch {
      // The next name.
    }
  }
  throw new NicshareError(
    'NotSupported',
    'A filter needs libpcap, which is not installed.',
    'Install it (apt install libpcap0.8), or leave --filter out and filter what is written: tcpdump -r FILE EXPRESSION.',
  );
}

function loadFunctions() {
  const lib = loadLibrary();
  return {
    openDead: lib.func('intptr_t pcap_open_dead(int linktype, int snaplen)'),
    compile: lib.func(
      'int pcap_compile(intptr_t pcap, void *program, const char *text, int optimize, uint32_t netmask)',
    ),
    lastError: lib.func('const char *pcap_geterr(intptr_t pcap)'),
    filter: lib.func('int pcap_offline_filter(const void *program, const void *header, uintptr_t packet)'),
    freeCode: lib.func('void pcap_freecode(void *program)'),
    close: lib.func('void pcap_close(intptr_t pcap)'),
  };
}

const invalid = (text: string, why: string): NicshareError =>
  new NicshareError('FilterInvalid', `The filter '${text}' is not valid: ${why}.`, 'See pcap-filter(7).');

/** A compiled filter. The program stays in libpcap's memory until `close`. */
export class PacketFilter {
  readonly #pcap: ReturnType<typeof loadFunctions>;
  readonly #program = Buffer.alloc(PROGRAM_BYTES);
  readonly #header = Buffer.alloc(HEADER_BYTES);
  readonly #base: { bytes: Uint8Array | undefined; address: number } = { bytes: undefined, address: 0 };

  /** Throws NicshareError FilterInvalid, or NotSupported where libpcap is missing. */
  constructor(text: string, snaplen: number) {
    this.#pcap = loadFunctions();
    const handle = this.#pcap.openDead(DLT_EN10MB, snaplen);
    try {
      if (this.#pcap.compile(handle, this.#program, text, OPTIMIZE, PCAP_NETMASK_UNKNOWN) !== 0)
        throw invalid(text, this.#pcap.lastError(handle));
      if (this.#asksForMore()) {
        this.close();
        throw invalid(text, 'it asks for what is not in the packet; the direction is in each record');
      }
    } finally {
      this.#pcap.close(handle);
    }
  }

  /** The program, two words an instruction. */
  get program(): number[] {
    const bytes = this.#code;
    return Array.from({ length: bytes.length / 4 }, (_, word) => bytes.readUInt32LE(word * 4));
  }

  /** Whether the `length` bytes of a packet that stand at `offset` of `bytes` fit. */
  matches(bytes: Uint8Array, offset: number, length: number, originalLength: number): boolean {
    const base = this.#base;
    if (base.bytes !== bytes) {
      base.bytes = bytes;
      base.address = addressOf(bytes);
    }
    this.#header.writeUInt32LE(length, CAPTURED);
    this.#header.writeUInt32LE(originalLength, ORIGINAL);
    return this.#pcap.filter(this.#program, this.#header, base.address + offset) !== 0;
  }

  close(): void {
    this.#pcap.freeCode(this.#program);
  }

  get #code(): Buffer {
    const count = this.#program.readUInt32LE(0);
    return Buffer.from(koffi.view(this.#program.readBigUInt64LE(8), count * INSTRUCTION_BYTES));
  }

  /** `inbound` and its like ask a socket; in a captured packet they would find nothing, silently. */
  #asksForMore(): boolean {
    const code = this.#code;
    for (let at = 0; at < code.length; at += INSTRUCTION_BYTES) {
      const operation = code.readUInt16LE(at);
      if ((operation & CLASS) <= LDX && (operation & MODE) === ABSOLUTE)
        if (code.readUInt32LE(at + 4) >= ANCILLARY) return true;
    }
    return false;
  }
}
