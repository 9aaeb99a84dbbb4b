import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DispatcherOptions } from '@nicshare/dispatcher';

/* What is shown: three queues, who serves them, and what is sent to each. */

export type QueueName = 'ping' | 'echo' | 'rest';

export interface Role {
  readonly queue: QueueName;
  readonly match: DispatcherOptions['queues'][number]['match'];
  /** Tried in this order; ARP is none of them, and stays with the kernel. */
  readonly priority: number;
  /** The example that is its client. */
  readonly program: string;
  /** Whether the client answers; else it counts. */
  readonly answers: boolean;
  readonly packetsPerSecond: number;
}

const example = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url));

export const ECHO_PORT = 7;
/** Where packets for `rest` go. */
export const OTHER_PORTS = [9, 53, 123, 4789] as const;

export const ROLES: readonly Role[] = [
  {
    queue: 'ping',
    match: { etherType: 'ipv4', protocol: 'icmp' },
    priority: 10,
    program: example('ping-responder.js'),
    answers: true,
    packetsPerSecond: 1000,
  },
  {
    queue: 'echo',
    match: { etherType: 'ipv4', protocol: 'udp', destinationPort: ECHO_PORT },
    priority: 20,
    program: example('echo.js'),
    answers: true,
    packetsPerSecond: 2000,
  },
  {
    queue: 'rest',
    match: { etherType: 'ipv4' },
    priority: 1000,
    program: example('receive.js'),
    answers: false,
    packetsPerSecond: 1000,
  },
];

/** The end that the dispatcher owns, and the far one, where the senders are. */
export const CARD = { name: 'card0', ip: '10.77.0.1', mac: '02:00:00:77:00:01' } as const;
export const PEER = { name: 'peer0', ip: '10.77.0.2', mac: '02:00:00:77:00:02' } as const;

export const NOBODY = 65534;

/** A configuration whose socket any user may open. */
export const configuration = (directory: string, device: DispatcherOptions['device']) => ({
  socket: { path: join(directory, 'nicshare.sock'), mode: '0666' },
  device,
  queues: ROLES.map(({ queue, match, priority }) => ({ name: queue, match, priority })),
});
