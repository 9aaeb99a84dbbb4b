import { ETHERNET_HEADER } from '../../shm/src/layout';
import * as T from '../src/dataplane/tables';

// EtherTypes (IEEE 802 numbers) as a little-endian load gives them.
const ETHER_TYPE_IPV4: u32 = 0x0008;
const ETHER_TYPE_IPV6: u32 = 0xdd86;
const IPV4_HEADER: u32 = 20;
const IPV6_HEADER: u32 = 40;
/** Fragment offset of RFC 791, without the flags, as a little-endian load gives it. */
const FRAGMENT_OFFSET: u32 = 0xff1f;
/** Source and destination port: the first four bytes of all transport headers that have ports. */
const PORTS: u32 = 4;

/** TCP, UDP, SCTP, UDP-Lite (IANA protocol numbers). */
// @ts-ignore: decorator
@inline
function hasPorts(protocol: u32): bool {
  return protocol == 17 || protocol == 6 || protocol == 132 || protocol == 136;
}

/**
 * Finds the first rule that fits and returns the address of its queue's record, or 0. Reads the headers as the
 * driver package's FlowMatch says; devices that filter agree with it on every packet.
 */
// @ts-ignore: decorator
@inline
export function classify(packet: u32, length: u32): u32 {
  let fields: u32 = 0;
  let etherType: u32 = 0;
  let protocol: u32 = 0;
  let port: u32 = 0;
  let macLow: u32 = 0;
  let macHigh: u32 = 0;

  if (length >= <u32>ETHERNET_HEADER) {
    macLow = load<u32>(packet);
    macHigh = load<u16>(packet, 4);
    etherType = load<u16>(packet, 12);
    fields = T.FIELD_MAC | T.FIELD_ETHER_TYPE;
    let transport: u32 = 0;
    if (etherType == ETHER_TYPE_IPV4 && length >= <u32>ETHERNET_HEADER + IPV4_HEADER) {
      const versionAndLength: u32 = load<u8>(packet, 14);
      const header = (versionAndLength & 15) << 2;
      if (versionAndLength >>> 4 == 4 && header >= IPV4_HEADER && <u32>ETHERNET_HEADER + header <= length) {
        protocol = load<u8>(packet, 23);
        fields |= T.FIELD_PROTOCOL;
        if (!(load<u16>(packet, 20) & FRAGMENT_OFFSET)) transport = ETHERNET_HEADER + header;
      }
    } else if (etherType == ETHER_TYPE_IPV6 && length >= <u32>ETHERNET_HEADER + IPV6_HEADER) {
      if (load<u8>(packet, 14) >>> 4 == 6) {
        protocol = load<u8>(packet, 20);
        fields |= T.FIELD_PROTOCOL;
        transport = ETHERNET_HEADER + IPV6_HEADER;
      }
    }
    if (transport && transport + PORTS <= length && hasPorts(protocol)) {
      port = load<u16>(packet + transport, 2);
      fields |= T.FIELD_PORT;
    }
  }

  const end: u32 = T.RULES + load<u32>(T.PLANE, T.PLANE_RULE_COUNT) * T.RULE_BYTES;
  for (let rule: u32 = T.RULES; rule < end; rule += T.RULE_BYTES) {
    const named = load<u32>(rule, T.RULE_FIELDS);
    if (named & ~fields) continue;
    if (named & T.FIELD_PORT && load<u32>(rule, T.RULE_PORT) != port) continue;
    if (named & T.FIELD_PROTOCOL && load<u32>(rule, T.RULE_PROTOCOL) != protocol) continue;
    if (named & T.FIELD_ETHER_TYPE && load<u32>(rule, T.RULE_ETHER_TYPE) != etherType) continue;
    if (named & T.FIELD_MAC) {
      if (load<u32>(rule, T.RULE_MAC_LOW) != macLow) continue;
      if (load<u32>(rule, T.RULE_MAC_HIGH) != macHigh) continue;
    }
    return load<u32>(rule, T.RULE_QUEUE);
  }
  return 0;
}

/** The same for one packet from outside the loop: the queue's index, or -1. */
export function classifyPacket(packet: u32, length: u32): i32 {
  const queue = classify(packet, length);
  return queue ? <i32>((queue - T.QUEUES) / T.QUEUE_BYTES) : -1;
}
