/* Abuses its wake-up descriptor until told `enough`. Arguments: socket, queue, how. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { layout } from '@nicshare/shm';
import { libc } from '@nicshare/shm/sys';
import { F_GETFL, F_SETFL, O_NONBLOCK, shutdown } from '../support/kernel-calls.js';
import { becomeNobody } from '../support/nobody.js';
import { say, told } from '../support/parent.js';
import { RawSession } from '../support/raw-session.js';

const [socket, queue, how] = process.argv.slice(2) as [string, string, string];
const LONG = new Uint8Array(4096);
becomeNobody();
const session = await RawSession.attach(socket, queue);
const wakeFd = session.descriptors[2];

function block(): void {
  libc.fcntl(wakeFd, F_SETFL, libc.fcntl(wakeFd, F_GETFL, 0) & ~O_NONBLOCK);
}

/** What is done once, and what again and again. */
const ABUSES: Record<string, { once?: () => void; eachTurn?: () => void }> = {
  'blocking and never read': { once: block },
  closed: { once: () => libc.close(wakeFd) },
  'shut down': { once: () => shutdown(wakeFd) },
  'full of doorbells': {
    eachTurn: () => {
      while (session.ring() === 'sent');
    },
  },
  'full of long messages': {
    eachTurn: () => {
      while (libc.send(wakeFd, LONG, LONG.length, 0x40) > 0);
    },
  },
  'full of empty messages': {
    eachTurn: () => {
      while (libc.send(wakeFd, LONG, 0, 0x40) === 0);
    },
  },
};

const { once, eachTurn } = ABUSES[how]!;
await say('attached');
once?.();
let epoch = 0;
while (!told('enough')) {
  // It claims to sleep all the time, so that it is woken as often as may be.
  session.write(layout.CLIENT_SLEEP_RX, ++epoch);
  session.write(layout.CLIENT_SLEEP_TX, epoch);
  session.write(layout.RX_CONSUMER, session.read(layout.RX_PRODUCER));
  eachTurn?.();
  await nextTurn();
}
await say('finished');
process.exit();
