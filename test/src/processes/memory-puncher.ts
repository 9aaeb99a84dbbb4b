/*
 * Punches holes into its own memory while it sends and receives, until told `enough`; attaches again whenever its
 * session ends. Arguments: socket, queue.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { layout } from '@nicshare/shm';
import { punchHole, removePages } from '../support/kernel-calls.js';
import { becomeNobody } from '../support/nobody.js';
import { say, told } from '../support/parent.js';
import { RawSession } from '../support/raw-session.js';

const PAGE = 4096;
const [socket, queue] = process.argv.slice(2) as [string, string];
becomeNobody();
let holes = 0;
let sessions = 0;
let enough = false;

/** One packet a turn, then a hole where the dispatcher reads next. */
async function punch(session: RawSession): Promise<void> {
  const { shape, arena, clientRegion } = session;
  for (let sent = 0; !enough && !session.control.has('ended'); sent++) {
    const frame = shape.txFramesOffset + (sent % shape.txFrames) * shape.frameSize;
    session.writeTx(sent % shape.ringSize, frame, 60);
    session.write(layout.TX_PRODUCER, sent + 1);
    session.ring();
    const fd = session.descriptors[1];
    if (punchHole(fd, frame & ~(PAGE - 1), PAGE) === 0) holes++;
    if (sent % 8 === 7 && punchHole(fd, 0, shape.clientBytes) === 0) holes++;
    if (sent % 8 === 3 && removePages(arena.base + clientRegion, shape.clientBytes) === 0) holes++;
    await nextTurn();
    enough ||= told('enough');
  }
}

while (!enough) {
  const session = await RawSession.attach(socket, queue);
  if (sessions++ === 0) await say('attached');
  await punch(session);
  session.close();
}
await say('finished', { holes, sessions });
process.disconnect();
