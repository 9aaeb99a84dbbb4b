import { lookup } from 'node:dns';
import { isIPv4 } from 'node:net';
import type { UdpSocketOptions } from './options.js';

/** Calls back with the IPv4 address that a name stands for; at once where it is one. */
export function withAddress(
  name: string,
  look: UdpSocketOptions['lookup'] = lookup,
  callback: (error: Error | null, address: string) => void,
): void {
  if (isIPv4(name)) callback(null, name);
  else look(name, { family: 4 }, callback);
}
