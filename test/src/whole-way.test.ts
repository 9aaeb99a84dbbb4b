import type { DispatcherStats } from '@nicshare/dispatcher';
import type { ExecutionContext } from 'ava';
import { Child } from './support/child.js';
import { Command } from './support/command.js';
import { NOBODY } from './support/nobody.js';
import { until } from './support/until.js';
import { CARD_ADDRESS as address, createLab, onVeth, type VethLab, vethTitle } from './support/veth-lab.js';

const QUEUES = `
  - { name: icmp, match: { protocol: icmp } }
  - { name: echo, match: { protocol: udp, destinationPort: 7 } }
  - { name: rest, match: { protocol: udp }, priority: 1000 }
`;
const TASKS = { icmp: 'answer', echo: 'answer', rest: 'count' } as const;
const COUNT = 500;

async function dispatch(t: ExecutionContext, lab: VethLab): Promise<Command> {
  const command = Command.start(t, ['dispatcher', '--config', lab.configure(QUEUES)], lab.card);
  await command.says('ready');
  return command;
}

async function applications(t: ExecutionContext, lab: VethLab): Promise<Record<keyof typeof TASKS, Child>> {
  const start = async (queue: keyof typeof TASKS): Promise<Child> => {
    const child = Child.start(t, 'responder', [lab.socket, queue, TASKS[queue]]);
    const { uid, trusted } = await child.next('attached');
    t.is(uid, NOBODY);
    t.false(trusted as boolean);
    return child;
  };
  return { icmp: await start('icmp'), echo: await start('echo'), rest: await start('rest') };
}

async function ask(peer: Child, event: string, fields: object): Promise<unknown> {
  peer.tell(event, { address, ...fields });
  return (await peer.next(event)).answered;
}

/** A host behind the card's kernel, for what the dispatcher leaves to it. */
async function kernelBehindCard(t: ExecutionContext, lab: VethLab): Promise<void> {
  const host = Child.start(t, 'kernel-host', [], lab.card);
  host.tell('serve');
  await host.next('serving');
}

const stats = async (t: ExecutionContext, lab: VethLab): Promise<DispatcherStats> =>
  JSON.parse((await Command.run(t, ['queues', '--json', '--socket', lab.socket])).output) as DispatcherStats;

onVeth(
  vethTitle('every packet of a real interface is answered, byte for byte, by unprivileged processes'),
  async (t) => {
    const lab = await createLab(t);
    await kernelBehindCard(t, lab);
    await dispatch(t, lab);
    const apps = await applications(t, lab);

    t.is(await ask(lab.peer, 'ping', { count: COUNT }), COUNT);
    t.is(await ask(lab.peer, 'udp', { port: 7, count: COUNT }), COUNT);
    lab.peer.tell('scatter', { address, port: 2000, count: COUNT });
    await lab.peer.next('scattered');
    t.is(await ask(lab.peer, 'tcp', {}), true, "what no queue takes is the kernel's");
    await until('the rest is counted', async () => {
      return (await stats(t, lab)).queues[2]!.totals.rxPackets === COUNT;
    });

    const { queues, device, plane, ledgerErrors } = await stats(t, lab);
    t.deepEqual(
      queues.map(({ name, totals }) => [name, totals.rxPackets, totals.txPackets]),
      [
        ['icmp', COUNT, COUNT],
        ['echo', COUNT, COUNT],
        ['rest', COUNT, 0],
      ],
    );
    for (const { client } of queues) t.is(client?.uid, NOBODY);
    t.is(device.rules.coverage, 'exact');
    t.is(plane.notPassed, 0);
    t.is(ledgerErrors, 0);
    for (const [name, app] of Object.entries(apps)) {
      app.tell('enough');
      t.is((await app.next('ended')).count, COUNT, name);
    }
  },
);

for (const signal of ['SIGTERM', 'SIGKILL'] as const)
  onVeth(vethTitle(`a dispatcher ended by ${signal} leaves nothing on the interface`), async (t) => {
    const lab = await createLab(t);
    await kernelBehindCard(t, lab);
    const first = await dispatch(t, lab);
    const { echo } = await applications(t, lab);
    t.is(await ask(lab.peer, 'udp', { port: 7, count: 10 }), 10);
    await first.end(signal);
    t.is(first.status, signal === 'SIGTERM' ? 0 : null);
    const { count, code } = await echo.next('ended');
    t.is(count, 10);
    t.is(code, 'DispatcherStopped');

    t.is(await ask(lab.peer, 'udp', { port: 7, count: 50 }), 50, "the port is the kernel's again");
    t.is(await ask(lab.peer, 'ping', { count: 5 }), 5);
    await dispatch(t, lab);
    await applications(t, lab);
    t.is(await ask(lab.peer, 'udp', { port: 7, count: 50 }), 50);
    t.is((await stats(t, lab)).queues[1]!.totals.rxPackets, 50);
  });

onVeth(
  vethTitle('without a client the packets of a queue are dropped and counted, and others come'),
  async (t) => {
    const lab = await createLab(t);
    await kernelBehindCard(t, lab);
    await dispatch(t, lab);
    lab.peer.tell('scatter', { address, port: 2000, count: 100 });
    await lab.peer.next('scattered');
    await until('they are counted', async () => (await stats(t, lab)).queues[2]!.dropNoClient === 100);
    t.is(await ask(lab.peer, 'tcp', {}), true);
  },
);
