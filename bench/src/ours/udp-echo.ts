/** An echo server, the same on a socket of the kernel and on one of ours; ends on `stop`. */
import { createSocket, type Socket } from 'node:dgram';
import { type EventEmitter, once } from 'node:events';
import { connect, createUdpSocket } from '@nicshare/client';
import { cpuNs, type Question, settings, tell } from './parent.js';

/** What the kernel keeps for a socket that is not fast enough; it gives at most net.core.rmem_max. */
const KERNEL_BUFFER = 4 << 20;

export interface EchoSettings {
  readonly port: number;
  /** The dispatcher's socket and the queue; without it the kernel's own sockets are used. */
  readonly queue?: { readonly socket: string; readonly name: string };
}

/** What both kinds of sockets have and this program needs. */
interface EchoSocket extends EventEmitter, Pick<Socket, 'send'> {
  bind(port: number): unknown;
  close(): unknown;
}

const { port, queue } = settings<EchoSettings>();
const client = queue && (await connect({ socket: queue.socket }));
const socket: EchoSocket = client
  ? createUdpSocket(await client.attach(queue.name))
  : createSocket({ type: 'udp4', recvBufferSize: KERNEL_BUFFER });

let answered = 0;
socket.on('message', (message: Buffer, remote: { port: number; address: string }) => {
  answered++;
  socket.send(message, remote.port, remote.address);
});
socket.bind(port);
await once(socket, 'listening');

process.on('message', async ({ type }: Question) => {
  await tell({ answered, cpuNs: cpuNs() });
  if (type !== 'stop') return;
  socket.close();
  await client?.close();
  process.disconnect();
});
await tell({ ready: true });
