import type { Port } from '@nicshare/client';
import { copyBytes, transportHeader, turnAround } from './headers.js';

const BURST = 64;

/** One kind of packet and its answer. `header` is where the protocol's header starts in `bytes`. */
export interface Responder {
  /** IPv4's number of the protocol. */
  readonly protocol: number;
  readonly headerLength: number;
  accepts(bytes: Uint8Array, header: number): boolean;
  /** Makes the answer of a copy of the request whose addresses have been exchanged. */
  answer(bytes: Uint8Array, header: number): void;
}

export interface Tally {
  received: number;
  answered: number;
  /** Not what the responder accepts. */
  ignored: number;
  /** Not answered, because no frame to send was free. */
  backPressure: number;
}

export const newTally = (): Tally => ({ received: 0, answered: 0, ignored: 0, backPressure: 0 });

/**
 * Answers packets until the session ends. What came in cannot be written to, so each answer is composed in a frame to
 * send. Those are finite: where fewer are free than were asked for, the rest go unanswered and are counted.
 */
export async function respond(port: Port, responder: Responder, tally: Tally): Promise<void> {
  const answers = port.createTxBatch(BURST);
  /** Of the packets to answer: the index in the batch, and where the header starts within the packet. */
  const chosen = new Uint32Array(BURST);
  const header = new Uint32Array(BURST);
  for await (const packets of port) {
    const { bytes, offset, length } = packets;
    let wanted = 0;
    for (let i = 0; i < packets.count; i++) {
      const at = transportHeader(bytes, offset[i]!, length[i]!, responder.protocol, responder.headerLength);
      if (at === 0 || !responder.accepts(bytes, at)) continue;
      chosen[wanted] = i;
      header[wanted++] = at - offset[i]!;
    }
    const count = port.reserve(answers, wanted);
    for (let k = 0; k < count; k++) {
      const i = chosen[k]!;
      const at = answers.offset[k]!;
      copyBytes(bytes, offset[i]!, answers.bytes, at, length[i]!);
      turnAround(answers.bytes, at);
      responder.answer(answers.bytes, at + header[k]!);
      answers.length[k] = length[i]!;
    }
    tally.received += packets.count;
    tally.ignored += packets.count - wanted;
    tally.backPressure += wanted - count;
    tally.answered += port.txBurst(answers);
  }
}
