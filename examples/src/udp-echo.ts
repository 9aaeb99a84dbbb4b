/*
 * udp-echo.js [QUEUE] [PORT]: sends every UDP message back (RFC 862), by a socket in the shape of node:dgram's.
 *
 * No headers, no checksums, no MAC addresses: the socket reads and writes them, and asks the kernel for neighbours. A
 * program for node:dgram runs on it as it is, once its createSocket is createUdpSocket.
 */
import { connect, createUdpSocket } from '@nicshare/client';

const [queue = 'echo', port = '7'] = process.argv.slice(2);

const client = await connect();
const socket = createUdpSocket(await client.attach(queue));

socket.on('message', (message, { address, port }) => {
  // The usual error: the neighbour that asked does not answer ARP.
  socket.send(message, port, address, (error) => error && console.error(error.message));
});
socket.on('listening', () => console.log(`echoes UDP on ${queue}, port ${socket.address().port}`));
socket.on('error', (error) => console.error(`ended: ${error.message}`));
socket.on('close', async () => {
  const { received, sent } = socket.counters;
  console.log(`${received} messages came, ${sent} went back`);
  await client.close();
});
socket.bind(Number(port));
