/* Our UDP sockets against the kernel's: the same program on both, and the kernel as the other end. */
import type { ExecutionContext } from 'ava';
import { Child } from './support/child.js';
import { Command } from './support/command.js';
import { createLab, onVeth, type VethLab, vethTitle } from './support/veth-lab.js';

const QUEUE = `
  - { name: udp, match: { protocol: udp } }
`;

async function echoing(t: ExecutionContext): Promise<VethLab> {
  const lab = await createLab(t);
  lab.peer.tell('serve');
  await lab.peer.next('serving');
  return lab;
}

async function transcript(t: ExecutionContext, lab: VethLab, ...args: string[]): Promise<unknown> {
  const program = Child.start(t, 'udp-program', args, lab.card);
  const { lines } = await program.next('transcript');
  t.is(await program.exit(), 0);
  return lines;
}

onVeth(
  vethTitle('one program has the same transcript on the sockets of node:dgram and on ours'),
  async (t) => {
    const lab = await echoing(t);
    const kernels = await transcript(t, lab, 'dgram');
    const command = Command.start(t, ['dispatcher', '--config', lab.configure(QUEUE)], lab.card);
    await command.says('ready');
    t.deepEqual(await transcript(t, lab, 'nicshare', lab.socket), kernels);
  },
);
