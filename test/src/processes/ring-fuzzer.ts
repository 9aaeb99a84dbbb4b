/* Writes random words over its own region, session after session. Arguments: socket, queue, rounds, seed. */
import { setTimeout as delay } from 'node:timers/promises';
import { layout } from '@nicshare/shm';
import { becomeNobody } from '../support/nobody.js';
import { say } from '../support/parent.js';
import { RawSession } from '../support/raw-session.js';

const CURSORS = [
  layout.RX_CONSUMER,
  layout.COMPLETION_CONSUMER,
  layout.FILL_PRODUCER,
  layout.TX_PRODUCER,
  layout.CLIENT_SLEEP_RX,
  layout.CLIENT_SLEEP_TX,
];
const WRITES = 200;

/** Numerical Recipes' linear congruential generator; returns 0 to below `limit`. */
function generator(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

const [socket, queue, rounds, seed] = process.argv.slice(2) as [string, string, string, string];
const random = generator(Number(seed));

/** Half of the values are near what the rules allow: those come further than noise does. */
function value({ shape, dispatcherRegion, cells }: RawSession): number {
  switch (random(4)) {
    case 0:
      return random(shape.ringSize + 2);
    case 1:
      return shape.txFramesOffset + random(shape.txFrames) * shape.frameSize;
    case 2:
      return cells[(dispatcherRegion + shape.rxDescriptors + random(shape.ringSize) * 8) >> 2]!;
    default:
      return random(2 ** 32);
  }
}

function scribble(session: RawSession): void {
  const { ringSize, fillEntries, txFramesOffset, clientBytes } = session.shape;
  for (let i = 0; i < WRITES && !session.control.has('ended'); i++) {
    if (random(8) === 0) session.write(CURSORS[random(CURSORS.length)]!, random(ringSize * 2));
    else if (random(4) > 0)
      session.write(fillEntries + random((txFramesOffset - fillEntries) / 4) * 4, value(session));
    else session.write(random(clientBytes / 4) * 4, value(session));
    if (random(16) === 0) session.ring();
  }
}

becomeNobody();
let violations = 0;
for (let round = 0; round < Number(rounds); round++) {
  const session = await RawSession.attach(socket, queue);
  scribble(session);
  session.ring();
  await delay(1);
  scribble(session);
  session.ring();
  await delay(1);
  if (session.control.has('ended')) violations++;
  else {
    session.control.send({ type: 'detach', id: 2, session: session.grant.session });
    await Promise.race([session.control.next('detached'), session.control.next('refused')]);
  }
  session.close();
}
await say('finished', { violations });
process.disconnect();
