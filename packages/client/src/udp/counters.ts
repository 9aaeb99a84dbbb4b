/** What became of the packets of a port that carries UDP sockets. Each is counted once. */
export interface UdpCounters {
  /** Datagrams given to a socket. */
  readonly received: number;
  /** Datagrams handed over to the dispatcher. */
  readonly sent: number;

  /** Received and ignored: another EtherType than IPv4. */
  readonly rxNotIpv4: number;
  /** Another protocol than UDP. */
  readonly rxNotUdp: number;
  /** A header or a length that cannot be: cut short, wrong version, shorter than its own header. */
  readonly rxMalformed: number;
  readonly rxBadIpv4Checksum: number;
  readonly rxBadUdpChecksum: number;
  /** A part of a fragmented datagram: these are not put together. */
  readonly rxFragment: number;
  /** To an address that is not this machine's. */
  readonly rxForeignAddress: number;
  /** A broadcast, and the socket has not asked for them by setBroadcast(true). */
  readonly rxBroadcast: number;
  /** No socket has the port, or the one that has is connected to somebody else. */
  readonly rxNoSocket: number;

  /** Not sent: longer than the way's MTU (EMSGSIZE). */
  readonly txTooLong: number;
  /** No route, or no answer from the neighbour (ENETUNREACH, EHOSTUNREACH, ...). */
  readonly txUnreachable: number;
  /** A broadcast without setBroadcast(true) (EACCES). */
  readonly txBroadcastRefused: number;
  /** The socket's queue was full (ENOBUFS). */
  readonly txQueueFull: number;
  /** Still in the queue when the socket was closed (ECANCELED). */
  readonly txCanceled: number;
}

export type UdpCounterName = keyof UdpCounters;

export const RECEIVED = 0;
export const SENT = 1;
export const RX_NOT_IPV4 = 2;
export const RX_NOT_UDP = 3;
export const RX_MALFORMED = 4;
export const RX_BAD_IPV4_CHECKSUM = 5;
export const RX_BAD_UDP_CHECKSUM = 6;
export const RX_FRAGMENT = 7;
export const RX_FOREIGN_ADDRESS = 8;
export const RX_BROADCAST = 9;
export const RX_NO_SOCKET = 10;
export const TX_TOO_LONG = 11;
export const TX_UNREACHABLE = 12;
export const TX_BROADCAST_REFUSED = 13;
export const TX_QUEUE_FULL = 14;
export const TX_CANCELED = 15;

/** In the order of the indices above. */
const NAMES: readonly UdpCounterName[] = [
  'received',
  'sent',
  'rxNotIpv4',
  'rxNotUdp',
  'rxMalformed',
  'rxBadIpv4Checksum',
  'rxBadUdpChecksum',
  'rxFragment',
  'rxForeignAddress',
  'rxBroadcast',
  'rxNoSocket',
  'txTooLong',
  'txUnreachable',
  'txBroadcastRefused',
  'txQueueFull',
  'txCanceled',
];

/** Cells for the counters above; numbers, so exact to 2^53. */
export const createCounters = (): Float64Array => new Float64Array(NAMES.length);

export const readCounters = (cells: Float64Array): UdpCounters =>
  Object.fromEntries(NAMES.map((name, index) => [name, cells[index]!])) as unknown as UdpCounters;
