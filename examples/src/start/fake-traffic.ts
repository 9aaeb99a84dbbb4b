import type { FakeWire } from '@nicshare/driver';
import { ICMP, UDP } from '../headers.js';
import { Flow, Traffic } from './flow.js';
import { ECHO_REQUEST, frame, icmpEcho, readAnswer, type Station, udpDatagram } from './internet.js';
import { numberOf, payload } from './payload.js';
import { ECHO_PORT, OTHER_PORTS, PEER, type QueueName, ROLES, type Role } from './scenario.js';

const SOURCE_PORT = 40_000;

/** The frame of packet `number` of each role, from the peer to the card. */
const frames: Record<QueueName, (number: number, card: Station) => Buffer> = {
  ping: (number, card) => frame(PEER, card, ICMP, icmpEcho(ECHO_REQUEST, number, payload(number))),
  echo: (number, card) => udpFrame(number, card, ECHO_PORT),
  rest: (number, card) => udpFrame(number, card, OTHER_PORTS[number % OTHER_PORTS.length]!),
};

function udpFrame(number: number, card: Station, port: number): Buffer {
  const from = { ...PEER, port: SOURCE_PORT };
  return frame(PEER, card, UDP, udpDatagram(from, { ...card, port }, payload(number)));
}

/** Which role's client an answer is from. */
function responder(answer: ReturnType<typeof readAnswer>): QueueName {
  if (answer?.protocol === 'icmp') return 'ping';
  return answer?.sourcePort === ECHO_PORT ? 'echo' : 'rest';
}

/** The same traffic as of kernel-traffic.ts, made here frame by frame, at the far side of the fake device. */
export function fakeTraffic(wire: FakeWire, card: Station): Traffic {
  const flowOf = (role: Role): Flow =>
    new Flow(role, (number) => {
      // A packet that finds no room is sent all the same: the device counts it as dropped.
      wire.inject(frames[role.queue](number, card));
      return true;
    });
  const flows = ROLES.map(flowOf);
  const takeAnswers = (): void => {
    for (const packet of wire.capture()) {
      const answer = readAnswer(Buffer.from(packet), card, PEER);
      const queue = responder(answer);
      flows.find((flow) => flow.queue === queue)!.answer(answer && numberOf(answer.data));
    }
  };
  return new Traffic(flows, takeAnswers);
}
