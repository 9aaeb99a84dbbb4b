/** A generator of 32-bit numbers that are the same for the same seed (Marsaglia, Xorshift RNGs, 2003). */
export function xorshift32(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

const ETHERNET = 14;
const IPV4 = 20;
const ETHERTYPE_IPV4 = 0x0800;
const PROTOCOL_UDP = 17;
const SOURCE_MAC = 0x0200_0000_5eed;

/** The Internet checksum (RFC 1071) over an even number of bytes. */
export function internetChecksum(view: DataView, offset: number, bytes: number): number {
  let sum = 0;
  for (let at = 0; at < bytes; at += 2) sum += view.getUint16(offset + at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

export interface Flow {
  readonly source: number;
  readonly destination: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

/**
 * Writes a UDP packet (RFC 768) in IPv4 (RFC 791) in Ethernet, `length` bytes in all, without the frame check
 * sequence. The payload is left as it is, and the UDP checksum 0: none.
 */
export function writeUdpPacket(
  view: DataView,
  offset: number,
  length: number,
  mac: Uint8Array,
  flow: Flow,
): void {
  mac.forEach((byte, index) => {
    view.setUint8(offset + index, byte);
  });
  view.setUint16(offset + 6, Math.floor(SOURCE_MAC / 2 ** 32));
  view.setUint32(offset + 8, SOURCE_MAC % 2 ** 32);
  view.setUint16(offset + 12, ETHERTYPE_IPV4);

  const ip = offset + ETHERNET;
  view.setUint16(ip, 0x4500);
  view.setUint16(ip + 2, length - ETHERNET);
  view.setUint32(ip + 4, 0x0000_4000);
  view.setUint16(ip + 8, (64 << 8) | PROTOCOL_UDP);
  view.setUint16(ip + 10, 0);
  view.setUint32(ip + 12, flow.source);
  view.setUint32(ip + 16, flow.destination);
  view.setUint16(ip + 10, internetChecksum(view, ip, IPV4));

  const udp = ip + IPV4;
  view.setUint16(udp, flow.sourcePort);
  view.setUint16(udp + 2, flow.destinationPort);
  view.setUint16(udp + 4, length - ETHERNET - IPV4);
  view.setUint16(udp + 6, 0);
}
