import { readCapture } from '@nicshare/driver';
import type { FlowTally, TrafficTally } from './flow.js';
import { ECHO_REPLY, ECHO_REQUEST, type Message, readMessage } from './internet.js';
import { numberOf } from './payload.js';
import { CARD, ECHO_PORT, PEER, type QueueName, ROLES } from './scenario.js';

/** Who is to serve a packet of the capture. */
function receiver(request: Message | undefined): QueueName {
  if (request?.protocol === 'icmp' && request.type === ECHO_REQUEST) return 'ping';
  return request?.protocol === 'udp' && request.destinationPort === ECHO_PORT ? 'echo' : 'rest';
}

/** Whose client an answer is from. */
function responder(answer: Message | undefined): QueueName {
  if (answer?.protocol === 'icmp' && answer.type === ECHO_REPLY) return 'ping';
  return answer?.protocol === 'udp' && answer.sourcePort === ECHO_PORT ? 'echo' : 'rest';
}

/** One queue's packets, and how often each that is to be answered has not been, by its number. */
class ReplayedFlow {
  readonly queue: QueueName;
  readonly answers: boolean;
  readonly #outstanding = new Map<number, number>();
  #sent = 0;
  #answered = 0;
  #unexpected = 0;

  constructor(role: { readonly queue: QueueName; readonly answers: boolean }) {
    this.queue = role.queue;
    this.answers = role.answers;
  }

  replayed(number: number | undefined, times: number): void {
    this.#sent += times;
    if (this.answers && number !== undefined) this.#add(number, times);
  }

  answer(number: number | undefined): void {
    if (number !== undefined && (this.#outstanding.get(number) ?? 0) > 0) {
      this.#add(number, -1);
      this.#answered++;
    } else this.#unexpected++;
  }

  #add(number: number, times: number): void {
    this.#outstanding.set(number, (this.#outstanding.get(number) ?? 0) + times);
  }

  get tally(): FlowTally {
    return { sent: this.#sent, answered: this.#answered, unexpected: this.#unexpected };
  }
}

/** The first packets of a looped capture, told apart by their numbers, and the recorded answers to them. */
export class Replayed {
  readonly #flows: ReadonlyMap<QueueName, ReplayedFlow>;

  /** Throws where the capture cannot be read whole. */
  constructor(capture: string, packets: number) {
    this.#flows = new Map(ROLES.map((role) => [role.queue, new ReplayedFlow(role)]));
    const requests: { readonly queue: QueueName; readonly number: number | undefined }[] = [];
    readWhole(capture, (bytes) => {
      const request = readMessage(bytes, PEER, CARD);
      requests.push({ queue: receiver(request), number: request && numberOf(request.data) });
    });
    const passes = Math.floor(packets / requests.length);
    const rest = packets % requests.length;
    requests.forEach(({ queue, number }, index) => {
      this.#flows.get(queue)!.replayed(number, passes + (index < rest ? 1 : 0));
    });
  }

  /** Packets for clients that answer. */
  get toAnswer(): number {
    const flows = [...this.#flows.values()].filter((flow) => flow.answers);
    return flows.reduce((sum, { tally }) => sum + tally.sent, 0);
  }

  /** Checks every byte of every answer. Throws where the recording cannot be read whole. */
  readAnswers(recording: string): void {
    readWhole(recording, (bytes) => {
      const answer = readMessage(bytes, CARD, PEER);
      this.#flows.get(responder(answer))!.answer(answer && numberOf(answer.data));
    });
  }

  get tally(): TrafficTally {
    return Object.fromEntries([...this.#flows].map(([queue, flow]) => [queue, flow.tally]));
  }
}

function readWhole(path: string, take: (bytes: Buffer) => void): void {
  const { damage } = readCapture(path, ({ bytes }) => take(bytes));
  if (damage !== undefined) throw new Error(`${path} is damaged: ${damage}.`);
}
