/** How to reach an address from the device's interface. */
export interface NextHop {
  /** Of the next hop: the destination itself where it is on link, else its gateway. */
  readonly address: string;
  /** Of the next hop, as '02:00:00:00:00:01'. */
  readonly mac: string;
  /** The same as six bytes. */
  readonly macBytes: Uint8Array;
  /** Address to send from. */
  readonly source: string;
  /** Longest IP packet that the route takes, in bytes. */
  readonly mtu: number;
}

/** The kernel's neighbours and routes of the device's interface, as a snapshot in shared memory shows them. */
export interface Resolver {
  /** Changes whenever anything in the snapshot does: what was looked up under another one must be looked up anew. */
  readonly generation: number;
  /**
   * The next hop to an IPv4 or IPv6 address, from the snapshot alone; undefined where its neighbour is not known (yet).
   * Throws NicshareError NoRoute, InvalidArgument, Closed.
   */
  lookup(address: string): NextHop | undefined;
  /**
   * The same, but asks the kernel for a neighbour that is not known and waits for it. Throws NicshareError NoRoute,
   * NeighbourFailed, Timeout, InvalidArgument, Closed.
   */
  resolve(address: string): Promise<NextHop>;
  /** Addresses (IPv4, IPv6) of the device's interface that packets can be sent from, in the kernel's order. */
  addresses(): string[];
}
