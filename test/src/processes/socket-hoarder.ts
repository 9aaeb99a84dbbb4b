/*
 * As another user, opens connections without end and keeps those that it gets, until it is killed. Arguments: socket,
 * which (control, descriptor).
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { connectUnix, descriptorSocketPath, PROTOCOL_VERSION } from '@nicshare/shm';
import { libc } from '@nicshare/shm/sys';
import { becomeNobody } from '../support/nobody.js';
import { say } from '../support/parent.js';
import { RawControl } from '../support/raw-control.js';

/** More than the dispatcher takes of a user, so that each new one is for it to answer. */
const KEPT = 200;

async function hoardDescriptorSockets(path: string): Promise<never> {
  const kept: number[] = [];
  for (let opened = 0; ; opened++) {
    if (opened === KEPT) await say('hoarding');
    try {
      kept.push(connectUnix(path));
    } catch {
      // The dispatcher has not taken the last ones yet.
      await nextTurn();
    }
    if (kept.length > KEPT) libc.close(kept.shift()!);
    if (opened % 16 === 0) await nextTurn();
  }
}

/** Says how many it could greet on. */
async function hoardControlSockets(path: string): Promise<void> {
  const kept: RawControl[] = [];
  let refused = '';
  while (refused === '' && kept.length < KEPT) {
    const control = await RawControl.open(path);
    control.send({ type: 'hello', version: PROTOCOL_VERSION });
    const answer = await Promise.any([control.next('welcome'), control.next('refused')]);
    if (answer.type === 'refused') refused = answer.code;
    else kept.push(control);
  }
  await say('hoarding', { greeted: kept.length, refused });
}

const [socket, which] = process.argv.slice(2) as [string, string];
becomeNobody();
if (which === 'control') await hoardControlSockets(socket);
else await hoardDescriptorSockets(descriptorSocketPath(socket));
