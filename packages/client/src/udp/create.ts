import type { Port } from '../port.js';
import type { UdpSocketEvents } from './events.js';
import type { UdpSocketOptions, UdpSocketType } from './options.js';
import { UdpSocket } from './socket.js';

/**
 * Makes a UDP socket on an attached queue, with the events and methods of node:dgram's: bind it to the UDP port that
 * the queue matches, listen for 'message', and send. Several sockets may share one Port, a UDP port each; a Port that
 * has sockets is read by them alone. Throws NicshareError NotSupported (udp6), InvalidArgument.
 */
export function createUdpSocket(
  port: Port,
  options: UdpSocketType | UdpSocketOptions = {},
  onMessage?: (...message: UdpSocketEvents['message']) => void,
): UdpSocket {
  const socket = new UdpSocket(port, typeof options === 'string' ? { type: options } : options);
  if (onMessage) socket.on('message', onMessage);
  return socket;
}
