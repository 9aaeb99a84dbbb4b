import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readCapture } from '@nicshare/driver';
import test from 'ava';
import { ICMP, UDP } from '../headers.js';
import { ECHO_REPLY, ECHO_REQUEST, icmpEcho, readMessage } from './internet.js';
import { frame, udpDatagram } from './internet.test.support.js';
import { numberOf, payload } from './payload.js';
import { Replayed } from './replayed.js';
import { CARD, ECHO_PORT, PEER } from './scenario.js';

const CAPTURE = fileURLToPath(new URL('../../captures/demo.pcap', import.meta.url));
const PACKETS = 400;
const directory = mkdtempSync(join(tmpdir(), 'nicshare-replayed-'));
test.after.always(() => rmSync(directory, { recursive: true }));

let files = 0;
/** A pcap file (draft-ietf-opsawg-pcap): its header, then the packets, each behind a header of its own. */
function captureOf(packets: readonly Buffer[]): string {
  const header = Buffer.alloc(24);
  [0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1].forEach((word, index) => {
    header.writeUInt32LE(word, index * 4);
  });
  const records = packets.flatMap((packet) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(packet.length, 8);
    record.writeUInt32LE(packet.length, 12);
    return [record, packet];
  });
  const path = join(directory, `${files++}.pcap`);
  writeFileSync(path, Buffer.concat([header, ...records]));
  return path;
}

const ping = (type: number, number: number): Buffer => icmpEcho(type, number, payload(number));
const request = (number: number): Buffer => frame(PEER, CARD, ICMP, ping(ECHO_REQUEST, number));
const reply = (number: number): Buffer => frame(CARD, PEER, ICMP, ping(ECHO_REPLY, number));
const echo = (number: number): Buffer =>
  frame(CARD, PEER, UDP, udpDatagram({ ...CARD, port: ECHO_PORT }, { ...PEER, port: 9000 }, payload(number)));

test('the capture of the demo holds packets for every queue, all whole', (t) => {
  readCapture(CAPTURE, ({ bytes }) => {
    const message = readMessage(bytes, PEER, CARD);
    t.not(message && numberOf(message.data), undefined, bytes.toString('hex'));
  });
  const { tally, toAnswer } = new Replayed(CAPTURE, PACKETS);
  t.deepEqual([tally.ping!.sent, tally.echo!.sent, tally.rest!.sent], [103, 199, 98]);
  t.is(toAnswer, 302);
});

test('of a pass that was stopped the packets that came count', (t) => {
  const capture = captureOf([request(1), request(2), request(3)]);
  for (const packets of [0, 1, 3, 7]) t.is(new Replayed(capture, packets).tally.ping!.sent, packets);
});

test('each answer counts once for each time that its request was replayed', (t) => {
  const replayed = new Replayed(captureOf([request(1), request(2)]), 3);
  replayed.readAnswers(captureOf([reply(1), reply(2), reply(1), reply(2)]));
  t.deepEqual(replayed.tally.ping, { sent: 3, answered: 3, unexpected: 1 });
});

test('an answer that is damaged, or that nobody asked for, is unexpected', (t) => {
  const damaged = reply(1);
  damaged[damaged.length - 1]! ^= 1;
  const replayed = new Replayed(captureOf([request(1)]), 1);
  replayed.readAnswers(captureOf([damaged, reply(7), echo(1)]));
  t.like(replayed.tally, {
    ping: { sent: 1, answered: 0, unexpected: 1 },
    echo: { sent: 0, answered: 0, unexpected: 1 },
    rest: { sent: 0, answered: 0, unexpected: 1 },
  });
});

test('a capture or a recording that ends within a packet is refused', (t) => {
  const whole = captureOf([request(1), request(2)]);
  const cut = join(directory, 'cut.pcap');
  writeFileSync(cut, readFileSync(whole).subarray(0, -1));
  t.throws(() => new Replayed(cut, 1), { message: /cut\.pcap is damaged: it ends within packet 2/ });
  t.throws(() => new Replayed(whole, 1).readAnswers(cut), { message: /is damaged/ });
});
