/**
 * What packets of a queue look like. A field that is left out matches all; a packet in which a named field does not
 * exist (no such header, a later fragment, cut short) does not match.
 *
 * How headers are read, by the Classifier and by every device that filters: the EtherType is the one at offset 12
 * (a VLAN tag's 0x8100 is not looked through). The protocol is that of an IPv4 header of version 4 and at least 20
 * bytes that lies wholly in the packet, or the next-header field of a whole IPv6 header of version 6 (extension
 * headers are not looked through). A destination port is that of TCP (6), UDP (17), SCTP (132) and UDP-Lite (136),
 * where the first four bytes of that header lie in the packet and the packet is no IPv4 fragment but the first.
 */
export interface FlowMatch {
  readonly etherType?: number;
  readonly protocol?: number;
  readonly destinationPort?: number;
  /** Six bytes. */
  readonly destinationMac?: Uint8Array;
}

/**
 * The matches of all queues, the first that fits decides; and what becomes of packets that none fits: they are left
 * to the kernel, dropped, or handed over like the others.
 */
export interface RuleSet {
  readonly matches: readonly FlowMatch[];
  readonly unmatched: 'pass' | 'drop' | 'take';
}

/**
 * How a device carries a rule set out. `exact`: it hands over what the rules ask for and nothing else. `superset`: it
 * hands over more, which the dispatcher can then only drop (counted as `notPassed`). `none`: it hands over all.
 */
export interface RuleCoverage {
  readonly coverage: 'exact' | 'superset' | 'none';
  /** Why it is not exact, for people. */
  readonly why?: string;
}
