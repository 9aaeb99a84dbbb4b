import test from 'ava';
import { ICMP, UDP } from '../headers.js';
import { checksum, ECHO_REPLY, ECHO_REQUEST, echoReplyData, icmpEcho, readMessage } from './internet.js';
import { frame, udpDatagram } from './internet.test.support.js';
import { numberOf, payload } from './payload.js';

const A = { ip: '10.0.0.1', mac: '02:00:00:00:00:01', port: 7 };
const B = { ip: '10.0.0.2', mac: '02:00:00:00:00:02', port: 40_000 };

test('the checksum is that of the example of RFC 1071, section 3', (t) => {
  t.is(checksum(Buffer.from('0001f203f4f5f6f7', 'hex')), ~0xddf2 & 0xffff);
  t.is(checksum(Buffer.from('0001f203', 'hex'), Buffer.from('f4f5f6f7', 'hex')), ~0xddf2 & 0xffff);
});

test('an IPv4 header is made byte by byte as it has to be', (t) => {
  const bytes = frame(A, B, UDP, Buffer.alloc(8));
  t.is(
    bytes.subarray(0, 34).toString('hex'),
    '0200000000020200000000010800' + '4500001c000000004011' + '66cf' + '0a0000010a000002',
  );
});

test('messages are read back, whatever they say', (t) => {
  const reply = readMessage(frame(A, B, ICMP, icmpEcho(ECHO_REPLY, 5, payload(5))), A, B)!;
  t.like(reply, { protocol: 'icmp', type: ECHO_REPLY });
  t.is(numberOf(reply.data), 5);
  const echo = readMessage(frame(A, B, UDP, udpDatagram(A, B, payload(6))), A, B)!;
  t.like(echo, { protocol: 'udp', sourcePort: 7, destinationPort: 40_000 });
  t.is(numberOf(echo.data), 6);
});

test('a request is no reply, and what another sent is not read', (t) => {
  t.is(echoReplyData(icmpEcho(ECHO_REQUEST, 5, payload(5))), undefined);
  t.is(numberOf(echoReplyData(icmpEcho(ECHO_REPLY, 5, payload(5)))!), 5);
  t.is(readMessage(frame(B, A, ICMP, icmpEcho(ECHO_REPLY, 5, payload(5))), A, B), undefined);
});

test('no byte of a message can change unnoticed', (t) => {
  const frames = [
    frame(A, B, UDP, udpDatagram(A, B, payload(4))),
    frame(A, B, ICMP, icmpEcho(ECHO_REPLY, 4, payload(4))),
  ];
  for (const whole of frames)
    for (let at = 0; at < whole.length; at++) {
      if (at === 12 || at === 13) continue; // the EtherType, by which frames reach the reader
      const damaged = Buffer.from(whole);
      damaged[at]! ^= 0x10;
      t.is(readMessage(damaged, A, B), undefined, `byte ${at}`);
    }
});

test('a payload is known by all its bytes', (t) => {
  for (const number of [0, 1, 2, 3, 70_000]) {
    t.is(numberOf(payload(number)), number);
    const damaged = payload(number);
    damaged[damaged.length - 1]! ^= 1;
    t.is(numberOf(damaged), undefined);
    t.is(numberOf(payload(number).subarray(1)), undefined);
  }
  t.is(numberOf(Buffer.alloc(0)), undefined);
});
