/*
 * A program that has nothing to do but an open UDP socket, which it lets go of: it ends by itself. Argument: the
 * dispatcher's socket.
 */
import { once } from 'node:events';
import { connect, createUdpSocket } from '@nicshare/client';
import { say } from '../support/parent.js';

const client = await connect({ socket: process.argv[2]! });
const socket = createUdpSocket(await client.attach('udp')).bind(7000);
await once(socket, 'listening');
socket.unref();
await say('listening');
process.disconnect();
