/*
 * ping-responder.js [QUEUE]: answers ping (ICMP echo, RFC 792), whatever address it is sent to.
 *
 * As echo.js; what differs is the answer: the type changes, and with it the checksum.
 */
import { connect } from '@nicshare/client';
import { ICMP, readU16, writeU16 } from './headers.js';
import { newTally, respond } from './respond.js';
import { joinDemo } from './start/member.js';

const CHECKSUM = 2;
const ECHO_REQUEST = 8;
const ECHO_REPLY = 0;

const tally = newTally();
joinDemo(tally);

const client = await connect();
const port = await client.attach(process.argv[2] ?? 'ping');
console.log(`answers ping on ${port.queue} of ${port.mac}`);

const icmpEcho = {
  protocol: ICMP,
  headerLength: 8,
  accepts: (bytes: Uint8Array, header: number) => bytes[header] === ECHO_REQUEST,
  /** The sum over the packet falls by 0x0800, so its complement rises by as much (RFC 1624). */
  answer: (bytes: Uint8Array, header: number) => {
    const sum = readU16(bytes, header + CHECKSUM) + (ECHO_REQUEST << 8);
    bytes[header] = ECHO_REPLY;
    writeU16(bytes, header + CHECKSUM, (sum & 0xffff) + (sum >>> 16));
  },
};
await respond(port, icmpEcho, tally);

console.log(`ended: ${port.detachedReason?.message}`);
await client.close();
