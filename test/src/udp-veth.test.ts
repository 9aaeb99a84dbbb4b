/* Our UDP sockets against the kernel's: the same program on both, and the kernel as the other end. */
import { once } from 'node:events';
import { connect, createUdpSocket, type UdpSocket } from '@nicshare/client';
import type { ExecutionContext } from 'ava';
import { Child } from './support/child.js';
import { Command } from './support/command.js';
import { startExample } from './support/example.js';
import { until } from './support/until.js';
import { CARD_ADDRESS as address, createLab, onVeth, type VethLab, vethTitle } from './support/veth-lab.js';

type Mode = 'isolated' | 'shared';

const queue = (mode: Mode): string => `
  - { name: udp, mode: ${mode}, match: { protocol: udp } }
`;

const COUNT = 200;

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

async function dispatch(t: ExecutionContext, lab: VethLab, mode: Mode = 'isolated'): Promise<void> {
  const command = Command.start(t, ['dispatcher', '--config', lab.configure(queue(mode))], lab.card);
  await command.says('ready');
}

/** A bound socket of this process. */
async function bound(t: ExecutionContext, lab: VethLab, port: number): Promise<UdpSocket> {
  await dispatch(t, lab);
  const client = await connect({ socket: lab.socket });
  t.teardown(() => client.close());
  const socket = createUdpSocket(await client.attach('udp')).bind(port);
  await once(socket, 'listening');
  return socket;
}

for (const mode of ['isolated', 'shared'] as const)
  onVeth(
    vethTitle(`one program has the same transcript on the sockets of node:dgram and on ours, ${mode}`),
    async (t) => {
      const lab = await echoing(t);
      const kernels = await transcript(t, lab, 'dgram');
      await dispatch(t, lab, mode);
      t.deepEqual(await transcript(t, lab, 'nicshare', lab.socket), kernels);
    },
  );

onVeth(vethTitle('udp-echo of the examples answers a host of the kernel'), async (t) => {
  const lab = await createLab(t);
  await dispatch(t, lab);
  const example = await startExample(t, 'udp-echo', ['udp'], lab.socket);
  lab.peer.tell('udp', { address, port: 7, count: COUNT });
  t.is((await lab.peer.next('udp')).answered, COUNT);
  t.is(example.errors, '');
});

onVeth(
  vethTitle('the kernel is asked for a neighbour, and one that does not answer is EHOSTUNREACH'),
  async (t) => {
    const lab = await createLab(t);
    const socket = await bound(t, lab, 7000);
    const error = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
      socket.send('anybody?', 7, '10.78.0.99', resolve);
    });
    t.is(error?.code, 'EHOSTUNREACH');
    t.is(socket.counters.txUnreachable, 1);
  },
);

onVeth(vethTitle('fragments are counted and ignored, and what is whole comes'), async (t) => {
  const lab = await createLab(t);
  const socket = await bound(t, lab, 2000);
  let messages = 0;
  socket.on('message', () => messages++);
  // 3,000 bytes go out in three parts.
  lab.peer.tell('datagram', { address, port: 2000, length: 3000 });
  lab.peer.tell('datagram', { address, port: 2000, length: 1000 });
  await until('all came', () => messages === 1 && socket.counters.rxFragment === 3);
  t.like(socket.counters, { received: 1, rxMalformed: 0 });
});

onVeth(vethTitle('a process ends though its socket is open, where that was told unref'), async (t) => {
  const lab = await createLab(t);
  await dispatch(t, lab);
  const child = Child.start(t, 'unreferenced-socket', [lab.socket]);
  await child.next('listening');
  t.is(await child.exit(), 0);
});
