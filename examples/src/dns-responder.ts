/*
 * dns-responder.js QUEUE NAME=ADDRESS ...: a name server (RFC 1035) for the IPv4 and IPv6 addresses that it is given.
 *
 * Requests whose answers differ from them in length: each is read from a copy, and its answer is a packet of its own.
 */
import { isIPv6 } from 'node:net';
import { connect } from '@nicshare/client';
import * as dns from 'dns-packet';
import { transportHeader, UDP, UDP_HEADER_LENGTH, udpAnswer } from './headers.js';

const NAME_ERROR = 3;

const [queue = 'dns', ...entries] = process.argv.slice(2);
const zone = entries.map((entry): dns.StringAnswer => {
  const [name = '', data = ''] = entry.split('=');
  return { name: name.toLowerCase(), type: isIPv6(data) ? 'AAAA' : 'A', ttl: 60, data };
});

/** A name that exists without an address of the kind asked for has an empty answer; one that does not is an error. */
function answer({ id, flags, questions }: dns.DecodedPacket, { name, type }: dns.Question): dns.Packet {
  const records = zone.filter((record) => record.name === name.toLowerCase());
  const result = dns.AUTHORITATIVE_ANSWER | (records.length === 0 ? NAME_ERROR : 0);
  return {
    type: 'response',
    id,
    flags: (flags! & dns.RECURSION_DESIRED) | result,
    questions: questions!,
    answers: records.filter((record) => record.type === type),
  };
}

/** The answer to a message as it arrived; undefined where that is no question. */
function reply(message: Uint8Array): Uint8Array | undefined {
  try {
    const query = dns.decode(Buffer.from(message));
    const [question, ...others] = query.questions!;
    if (query.type === 'query' && question && others.length === 0) return dns.encode(answer(query, question));
  } catch {
    // Not what RFC 1035 describes.
  }
  return undefined;
}

const client = await connect();
const port = await client.attach(queue);
console.log(`answers DNS on ${port.queue} of ${port.mac}: ${zone.length} addresses`);

for await (const packets of port)
  for (let i = 0; i < packets.count; i++) {
    const request = packets.copy(i);
    const header = transportHeader(request, 0, request.length, UDP, UDP_HEADER_LENGTH);
    const message = header === 0 ? undefined : reply(request.subarray(header + UDP_HEADER_LENGTH));
    // A resolver that gets no answer asks again.
    if (message) port.send(udpAnswer(request, header, message));
  }

console.log(`ended: ${port.detachedReason?.message}`);
await client.close();
