/*
 * echo.js [QUEUE]: sends every UDP packet of a queue back (RFC 862).
 *
 * The second step of the ladder: answering; how a batch is answered is in respond.ts.
 */
import { connect } from '@nicshare/client';
import { swapPorts, UDP, UDP_HEADER_LENGTH } from './headers.js';
import { newTally, respond } from './respond.js';
import { joinDemo } from './start/member.js';

const tally = newTally();
joinDemo(tally);

const client = await connect();
const port = await client.attach(process.argv[2] ?? 'echo');
console.log(`echoes UDP on ${port.queue} of ${port.mac}`);

const udp = {
  protocol: UDP,
  headerLength: UDP_HEADER_LENGTH,
  accepts: () => true,
  answer: swapPorts,
};
await respond(port, udp, tally);

console.log(`ended: ${port.detachedReason?.message}`);
await client.close();
