/** An address as dgram tells it. */
export interface UdpAddress {
  address: string;
  family: 'IPv4';
  port: number;
}

/** Where a datagram came from, as dgram tells it. */
export interface UdpRemoteInfo extends UdpAddress {
  /** Bytes of the message. */
  size: number;
}

/** Events of a UdpSocket, and what their listeners are given. */
export interface UdpSocketEvents {
  /** A datagram. Its memory is cut from a piece of 32 KiB that others share: copy what you keep for long. */
  message: [message: Buffer, remote: UdpRemoteInfo];
  /** The socket has its UDP port. */
  listening: [];
  connect: [];
  close: [];
  /** A bind or a connect failed, a name is unknown, or (NicshareError) the port's session has ended. */
  error: [error: Error];
}
