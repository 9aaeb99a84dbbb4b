import { fold, type Memory, memoryOf, sumOf } from './checksum.js';
import {
  RECEIVED,
  RX_BAD_IPV4_CHECKSUM,
  RX_BAD_UDP_CHECKSUM,
  RX_FRAGMENT,
  RX_MALFORMED,
  RX_NOT_IPV4,
  RX_NOT_UDP,
} from './counters.js';
import * as F from './format.js';

const ETHER_TYPE_IPV4 = F.swap16(F.ETHER_TYPE_IPV4);
const FRAGMENT_BITS = F.swap16(F.FRAGMENT_BITS);
/** The protocol's word of the pseudo header (RFC 768). */
const PSEUDO_PROTOCOL = F.swap16(F.PROTOCOL_UDP);
const VERSION_4 = 4;
/** The group bit of a MAC address (IEEE 802.3, clause 3.2.3); all broadcasts have it. */
const GROUP_BIT = 1;

/** Reads UDP datagrams out of one memory. `read` fills the fields, which hold until the next one. */
export class DatagramReader {
  readonly memory: Memory;
  sourceAddress = 0;
  destinationAddress = 0;
  sourcePort = 0;
  destinationPort = 0;
  /** Sent to more than this machine, by its MAC address. */
  toGroup = false;
  /** Offset and bytes of the payload. */
  payload = 0;
  payloadLength = 0;

  /** `bytes` starts at a multiple of four. */
  constructor(bytes: Uint8Array) {
    this.memory = memoryOf(bytes);
  }

  /**
   * Reads the frame of `length` bytes at the even offset `at`. Returns RECEIVED, or the counter that says why it is no
   * datagram to take. What is behind the IPv4 packet fills a short frame up and is not looked at.
   */
  read(at: number, length: number): number {
    const { bytes, words } = this.memory;
    if (length < F.IPV4_AT) return RX_MALFORMED;
    if (words[(at + F.ETHER_TYPE) >> 1] !== ETHER_TYPE_IPV4) return RX_NOT_IPV4;
    const available = length - F.IPV4_AT;
    if (available < F.IPV4_HEADER) return RX_MALFORMED;
    const ip = at + F.IPV4_AT;
    const headerLength = (bytes[ip]! & 0x0f) * 4;
    const total = F.swap16(words[(ip + F.IPV4_TOTAL_LENGTH) >> 1]!);
    if (bytes[ip]! >>> 4 !== VERSION_4 || headerLength < F.IPV4_HEADER) return RX_MALFORMED;
    if (total < headerLength || total > available) return RX_MALFORMED;
    if (fold(sumOf(this.memory, ip, headerLength)) !== 0xffff) return RX_BAD_IPV4_CHECKSUM;
    if (bytes[ip + F.IPV4_PROTOCOL] !== F.PROTOCOL_UDP) return RX_NOT_UDP;
    if ((words[(ip + F.IPV4_FLAGS) >> 1]! & FRAGMENT_BITS) !== 0) return RX_FRAGMENT;
    this.toGroup = (bytes[at]! & GROUP_BIT) !== 0;
    return this.#readUdp(ip, ip + headerLength, total - headerLength);
  }

  #readUdp(ip: number, udp: number, available: number): number {
    if (available < F.UDP_HEADER) return RX_MALFORMED;
    const { words } = this.memory;
    const lengthWord = words[(udp + F.UDP_LENGTH) >> 1]!;
    const length = F.swap16(lengthWord);
    if (length < F.UDP_HEADER || length > available) return RX_MALFORMED;
    const source = (ip + F.IPV4_SOURCE) >> 1;
    const sourceLow = words[source]!;
    const sourceHigh = words[source + 1]!;
    const destinationLow = words[source + 2]!;
    const destinationHigh = words[source + 3]!;
    // 0: the sender has computed none (RFC 768).
    if (words[(udp + F.UDP_CHECKSUM) >> 1] !== 0) {
      const pseudo = sourceLow + sourceHigh + destinationLow + destinationHigh + PSEUDO_PROTOCOL + lengthWord;
      if (fold(pseudo + sumOf(this.memory, udp, length)) !== 0xffff) return RX_BAD_UDP_CHECKSUM;
    }
    this.sourceAddress = (sourceLow | (sourceHigh << 16)) >>> 0;
    this.destinationAddress = (destinationLow | (destinationHigh << 16)) >>> 0;
    this.sourcePort = F.swap16(words[udp >> 1]!);
    this.destinationPort = F.swap16(words[(udp + F.UDP_DESTINATION_PORT) >> 1]!);
    this.payload = udp + F.UDP_HEADER;
    this.payloadLength = length - F.UDP_HEADER;
    return RECEIVED;
  }
}
