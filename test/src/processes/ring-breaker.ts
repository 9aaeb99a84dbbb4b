/* Attaches without the client package and breaks one rule of its rings. Arguments: socket, queue, rule. */
import { layout, windowBytes } from '@nicshare/shm';
import { becomeNobody } from '../support/nobody.js';
import { say } from '../support/parent.js';
import { RawSession } from '../support/raw-session.js';
import { until } from '../support/until.js';

/** Waits for the first packet; returns the offset of its frame. */
async function firstFrame(session: RawSession): Promise<number> {
  await until('a packet', () => session.read(layout.RX_PRODUCER) > 0);
  return session.read(session.shape.rxDescriptors);
}

function fill(session: RawSession, offsets: readonly number[]): void {
  offsets.forEach((offset, slot) => {
    session.writeFill(slot, offset);
  });
  session.write(layout.FILL_PRODUCER, offsets.length);
}

function transmit(session: RawSession, offset: number, length: number): void {
  session.writeTx(0, offset, length);
  session.write(layout.TX_PRODUCER, 1);
}

/** Sends honest packets and never takes a completion honestly: the cursor stands where no ring has a slot. */
async function jumpCompletions(session: RawSession): Promise<void> {
  session.write(layout.COMPLETION_CONSUMER, 100_000);
  const { ringSize, txFramesOffset } = session.shape;
  for (let sent = 0; sent <= ringSize && !session.control.has('ended'); sent++) {
    session.writeTx(sent % ringSize, txFramesOffset, 60);
    session.write(layout.TX_PRODUCER, sent + 1);
    session.ring();
    await until(
      'the packet is taken',
      () => session.read(layout.TX_CONSUMER) > sent || session.control.has('ended'),
    );
  }
}

/** Behind all that its RX frames may lie in. */
const endOfFrames = ({ grant, shape }: RawSession): number =>
  grant.mode === 'shared' ? windowBytes(grant.regions) : shape.dispatcherBytes;

const RULES: Record<string, (session: RawSession) => unknown> = {
  'fill: outside the region': (s) => fill(s, [endOfFrames(s)]),
  'fill: far outside': (s) => fill(s, [0xffffffff]),
  'fill: below the frames': (s) => fill(s, [0]),
  'fill: inside a frame': (s) => fill(s, [s.shape.rxFramesOffset + 1]),
  'fill: a frame not held': (s) =>
    fill(s, [s.shape.rxFramesOffset + (s.shape.rxFrames - 1) * s.shape.frameSize]),
  'fill: returned twice': async (s) => {
    const frame = await firstFrame(s);
    fill(s, [frame, frame]);
  },
  'fill: returned again': async (s) => {
    const frame = await firstFrame(s);
    fill(s, [frame]);
    s.ring();
    await until('it is taken back', () => s.read(layout.FILL_CONSUMER) === 1);
    s.writeFill(1, frame);
    s.write(layout.FILL_PRODUCER, 2);
  },
  'fill: producer jumped': (s) => s.write(layout.FILL_PRODUCER, s.shape.rxFrames + 1),
  'rx: consumer beyond the producer': (s) => s.write(layout.RX_CONSUMER, 1_000_000),
  'tx: outside the region': (s) => transmit(s, 0xffffff00, 60),
  'tx: below the frames': (s) => transmit(s, 0, 60),
  'tx: behind the last frame': (s) =>
    transmit(s, s.shape.txFramesOffset + s.shape.txFrames * s.shape.frameSize, 60),
  "tx: across the frame's end": (s) => transmit(s, s.shape.txFramesOffset + s.shape.frameSize - 59, 60),
  'tx: producer jumped': (s) => s.write(layout.TX_PRODUCER, s.shape.ringSize + 1),
  'completion: consumer jumped': jumpCompletions,
};

const [socket, queue, rule] = process.argv.slice(2) as [string, string, string];
becomeNobody();
const session = await RawSession.attach(socket, queue);
await say('attached');
await RULES[rule]!(session);
session.ring();
const { code, message } = await session.control.next('ended');
await say('ended', { code, message });
session.close();
process.disconnect();
