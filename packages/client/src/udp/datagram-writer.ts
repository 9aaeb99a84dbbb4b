import { fold, type Memory, memoryOf, sumOf } from './checksum.js';
import * as F from './format.js';
import { parseIpv4 } from './ipv4-address.js';

const HEADER_WORDS = F.PAYLOAD_AT >> 1;
const IPV4_WORD = F.IPV4_AT >> 1;
const TTL_WORD = (F.IPV4_AT + 8) >> 1;
const UDP_WORD = (F.IPV4_AT + F.IPV4_HEADER) >> 1;
/** A word of TTL and protocol: the TTL is its first byte. */
const PROTOCOL_BITS = F.PROTOCOL_UDP << 8;

/** All that the headers of datagrams to one address have in common, and what of it goes into their checksums. */
export interface HeaderTemplate {
  readonly words: Uint16Array;
  /** Of the IPv4 header without total length, TTL, protocol and checksum. */
  readonly ipv4Sum: number;
  /** Of the pseudo header without the length. */
  readonly pseudoSum: number;
}

export interface Way {
  readonly fromMac: Uint8Array;
  readonly toMac: Uint8Array;
  readonly source: string;
  readonly destination: string;
}

export function headerTemplate({ fromMac, toMac, source, destination }: Way): HeaderTemplate {
  const words = new Uint16Array(HEADER_WORDS);
  const bytes = new Uint8Array(words.buffer);
  bytes.set(toMac, 0);
  bytes.set(fromMac, 6);
  words[F.ETHER_TYPE >> 1] = F.swap16(F.ETHER_TYPE_IPV4);
  bytes[F.IPV4_AT] = 0x45;
  // Not to be fragmented, so its identification may be 0 (RFC 6864, 4.1).
  words[(F.IPV4_AT + F.IPV4_FLAGS) >> 1] = F.swap16(F.DONT_FRAGMENT);
  const view = new DataView(words.buffer);
  view.setUint32(F.IPV4_AT + F.IPV4_SOURCE, parseIpv4(source), true);
  view.setUint32(F.IPV4_AT + F.IPV4_DESTINATION, parseIpv4(destination), true);
  const memory = { bytes, words, longs: new Uint32Array(words.buffer, 0, bytes.length >> 2) };
  const addresses = sumOf(memory, F.IPV4_AT + F.IPV4_SOURCE, 8);
  return {
    words,
    ipv4Sum: sumOf(memory, F.IPV4_AT, F.IPV4_HEADER),
    pseudoSum: addresses + F.swap16(F.PROTOCOL_UDP),
  };
}

/** Writes UDP datagrams into one memory. */
export class DatagramWriter {
  readonly memory: Memory;

  /** `bytes` starts at a multiple of four. */
  constructor(bytes: Uint8Array) {
    this.memory = memoryOf(bytes);
  }

  /**
   * Completes the frame at the even offset `at`, whose payload of `length` bytes stands at PAYLOAD_AT already. Returns
   * the frame's length.
   */
  complete(
    at: number,
    length: number,
    template: HeaderTemplate,
    sourcePort: number,
    destinationPort: number,
    ttl: number,
  ): number {
    const { words } = this.memory;
    const first = at >> 1;
    const header = template.words;
    for (let i = 0; i < UDP_WORD; i++) words[first + i] = header[i]!;
    const total = F.swap16(F.HEADERS + length);
    const ttlWord = ttl | PROTOCOL_BITS;
    words[first + IPV4_WORD + 1] = total;
    words[first + TTL_WORD] = ttlWord;
    words[first + TTL_WORD + 1] = ~fold(template.ipv4Sum + total + ttlWord) & 0xffff;

    const udp = first + UDP_WORD;
    const udpLength = F.swap16(F.UDP_HEADER + length);
    words[udp] = F.swap16(sourcePort);
    words[udp + 1] = F.swap16(destinationPort);
    words[udp + 2] = udpLength;
    words[udp + 3] = 0;
    const sum = template.pseudoSum + udpLength + sumOf(this.memory, udp << 1, F.UDP_HEADER + length);
    // 0 would say that there is none (RFC 768).
    words[udp + 3] = ~fold(sum) & 0xffff || 0xffff;
    return this.#fill(at, F.PAYLOAD_AT + length);
  }

  /** Zeros up to the shortest length of a frame. */
  #fill(at: number, length: number): number {
    if (length >= F.MIN_FRAME) return length;
    const { bytes } = this.memory;
    for (let i = length; i < F.MIN_FRAME; i++) bytes[at + i] = 0;
    return F.MIN_FRAME;
  }
}
