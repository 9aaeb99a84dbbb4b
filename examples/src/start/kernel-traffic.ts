/*
 * The far side of the demo on a veth pair: a process in the other namespace that pings and sends UDP by sockets of
 * the kernel, and counts what comes back.
 */
import { Flow, Traffic } from './flow.js';
import { ECHO_REQUEST, echoReplyData, icmpEcho, ipv4Payload } from './internet.js';
import { KernelSocket } from './kernel-socket.js';
import { answerQuestions } from './member.js';
import { numberOf, payload } from './payload.js';
import { CARD, ECHO_PORT, OTHER_PORTS, type QueueName, ROLES, type Role } from './scenario.js';

/** Makes a role's sockets; returns what sends packet `number`. */
const senders: Record<QueueName, (answer: (data: Buffer) => void) => (number: number) => boolean> = {
  ping(answer) {
    const socket = KernelSocket.icmp(CARD.ip, (packet) => {
      const message = ipv4Payload(packet);
      answer((message && echoReplyData(message)) ?? Buffer.alloc(0));
    });
    return (number) => socket.send(icmpEcho(ECHO_REQUEST, number, payload(number)));
  },
  echo(answer) {
    const socket = KernelSocket.udp(CARD.ip, ECHO_PORT, answer);
    return (number) => socket.send(payload(number));
  },
  rest(answer) {
    const sockets = OTHER_PORTS.map((port) => KernelSocket.udp(CARD.ip, port, answer));
    return (number) => sockets[number % sockets.length]!.send(payload(number));
  },
};

function flowOf(role: Role): Flow {
  const send = senders[role.queue]((data) => flow.answer(numberOf(data)));
  const flow: Flow = new Flow(role, send);
  return flow;
}

const traffic = new Traffic(ROLES.map(flowOf));
answerQuestions({
  start: () => traffic.start(),
  stop: () => traffic.stop(),
});
