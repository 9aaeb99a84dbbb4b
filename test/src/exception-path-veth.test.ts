/* The exception path beside AF_XDP on a veth pair: the card's host lives behind it, with its own kernel. */
import type { DispatcherStats } from '@nicshare/dispatcher';
import type { Namespace } from '@nicshare/netlab';
import test, { type ExecutionContext } from 'ava';
import { Child } from './support/child.js';
import { Command } from './support/command.js';
import { canCreateTaps } from './support/kernel-interface.js';
import { until } from './support/until.js';
import { CARD_ADDRESS as address, CARD, createLab, type VethLab } from './support/veth-lab.js';

const possible = canCreateTaps();
const onVeth = possible === true ? test.serial : test.serial.skip;
const title = (text: string): string => (possible === true ? text : `${text} (skipped: ${possible})`);

const QUEUES = '  - { name: echo, match: { protocol: udp, destinationPort: 7 } }\n';
const TAP = 'nicshare0';
const WITH_TAP = `unmatched: tap\ntap: { addresses: [${address}/24] }\n`;
const FAR_ADDRESS = '10.78.0.2';
const GIGABYTE = 1e9;

async function dispatch(t: ExecutionContext, lab: VethLab, more = WITH_TAP): Promise<Command> {
  const config = lab.configure(QUEUES, lab.socket, more);
  const command = Command.start(t, ['dispatcher', '--config', config], lab.card);
  await command.says('ready');
  return command;
}

async function host(t: ExecutionContext, script: string, namespace: Namespace): Promise<Child> {
  const child = Child.start(t, script, [], namespace);
  await child.next('up');
  child.tell('serve');
  await child.next('serving');
  return child;
}

async function ask(peer: Child, event: string, fields: object): Promise<unknown> {
  peer.tell(event, { address, ...fields });
  return (await peer.next(event)).answered;
}

const stats = async (t: ExecutionContext, lab: VethLab): Promise<DispatcherStats> =>
  JSON.parse((await Command.run(t, ['queues', '--json', '--socket', lab.socket])).output) as DispatcherStats;

onVeth(title('a card that is shared answers ARP, ping and TCP, and a queue has its packets'), async (t) => {
  const lab = await createLab(t, { bare: true });
  const command = await dispatch(t, lab);
  t.regex(command.output, /^exception path: nicshare0$/m);
  await host(t, 'kernel-host', lab.card);
  const responder = Child.start(t, 'responder', [lab.socket, 'echo', 'answer']);
  await responder.next('attached');

  t.is(await ask(lab.peer, 'ping', { count: 50 }), 50);
  t.is(await ask(lab.peer, 'tcp', {}), true);
  t.is(await ask(lab.peer, 'udp', { port: 7, count: 200 }), 200, 'by the client of the queue');
  const { device, plane, queues } = await stats(t, lab);
  t.is(device.rules.coverage, 'exact');
  t.is(device.exceptionInterface, TAP);
  t.is(queues[0]!.totals.rxPackets, 200);
  t.is(plane.notPassed + plane.unmatchedDropped, 0);
  t.is(plane.received, 200 + plane.exceptionToKernel);
  t.is(plane.sent, 200 + plane.exceptionFromKernel);
  t.deepEqual(new Set(Object.values(plane.exceptionDropped)), new Set([0]));
  t.regex(
    (await Command.run(t, ['queues', '--interval', '0.1', '--socket', lab.socket])).output,
    /^nicshare0: to the kernel [1-9]\d*, from the kernel [1-9]\d*, lost between 0$/m,
  );
});

onVeth(
  title('doctor sees that the exception path is possible, and that a dispatcher has its name'),
  async (t) => {
    const lab = await createLab(t, { bare: true });
    const config = lab.configure(QUEUES, lab.socket, WITH_TAP);
    const doctor = async () => (await Command.run(t, ['doctor', '--config', config], lab.card)).output;
    const before = await doctor();
    t.regex(before, /^ok {4}\/dev\/net\/tun: it can be opened$/m);
    t.regex(before, /^ok {4}interface nicshare0: the name is free$/m);
    await dispatch(t, lab);
    t.regex(await doctor(), /^fail {2}interface nicshare0: it exists already - mend: set tap\.name/m);
  },
);

async function connected(from: Child, target: string): Promise<void> {
  from.tell('connect', { address: target });
  await from.next('connected');
}

/** Sends from one host to another; returns the speed in Gbit/s. */
async function transfer(
  t: ExecutionContext,
  from: Child,
  to: Child,
  target: string,
  bytes = GIGABYTE,
): Promise<string> {
  await connected(from, target);
  from.tell('send', { bytes });
  from.tell('finish');
  const [sent, taken] = [await from.next('finished'), await to.next('taken')];
  t.is(taken.error, undefined);
  t.is(taken.bytes, bytes);
  t.is(taken.digest, sent.digest);
  return ((bytes * 8) / 1e9 / Number(sent.seconds)).toFixed(2);
}

onVeth(title('a gigabyte over TCP passes the exception path whole, in each direction'), async (t) => {
  t.timeout(300_000);
  const lab = await createLab(t, { bare: true });
  await dispatch(t, lab);
  const [near, far] = [await host(t, 'bulk-tcp', lab.card), await host(t, 'bulk-tcp', lab.far)];
  t.log(`to the kernel ${await transfer(t, far, near, address)} Gbit/s`);
  t.log(`from the kernel ${await transfer(t, near, far, FAR_ADDRESS)} Gbit/s`);
  const responder = Child.start(t, 'responder', [lab.socket, 'echo', 'answer']);
  await responder.next('attached');
  const beside = transfer(t, far, near, address, 300e6);
  t.is(await ask(lab.peer, 'udp', { port: 7, count: 300 }), 300, 'a queue is served meanwhile');
  await beside;
  const { plane, deviceCounters } = await stats(t, lab);
  t.true(plane.exceptionToKernel > GIGABYTE / 1500);
  t.true(plane.exceptionFromKernel > GIGABYTE / 1500);
  t.log(
    `lost between: ${JSON.stringify(plane.exceptionDropped)}; ${JSON.stringify(deviceCounters.rxDropped)}`,
  );
});

for (const signal of ['SIGTERM', 'SIGKILL'] as const)
  onVeth(title(`after ${signal} the interface is gone, and a new dispatcher makes it again`), async (t) => {
    const lab = await createLab(t, { bare: true });
    const names = async (): Promise<string[]> => (await lab.card.run('listLinks')).map(({ name }) => name);
    const first = await dispatch(t, lab);
    t.true((await names()).includes(TAP));
    t.is(await ask(lab.peer, 'ping', { count: 3 }), 3);
    await first.end(signal);
    await until('the interface is gone', async () => !(await names()).includes(TAP));
    await dispatch(t, lab);
    t.is(await ask(lab.peer, 'ping', { count: 3 }), 3);
  });

onVeth(
  title('a TCP connection lives through the take-over of its address, and through SIGKILL'),
  async (t) => {
    const lab = await createLab(t);
    await lab.card.run('addRoute', CARD, '0.0.0.0/0', FAR_ADDRESS);
    await lab.far.run('addAddress', 'lo', '10.99.0.1/32');
    const [near, far] = [await host(t, 'bulk-tcp', lab.card), await host(t, 'bulk-tcp', lab.far)];
    await connected(far, address);
    await connected(near, '10.99.0.1');
    const send = async (bytes: number): Promise<void> => {
      for (const host of [near, far]) host.tell('send', { bytes });
      for (const host of [near, far]) await host.next('sent');
    };
    await send(5e6);
    const dispatcher = await dispatch(t, lab, 'unmatched: tap\ntap: { addresses: device }\n');
    await send(20e6);
    const { plane } = await stats(t, lab);
    t.true(plane.exceptionToKernel > 10e6 / 1500, 'what came went by the exception path');
    t.true(plane.exceptionFromKernel > 10e6 / 1500, 'and what was sent, also behind a gateway');
    t.is(await ask(lab.peer, 'ping', { count: 5 }), 5);
    t.false(dispatcher.output.includes('could not be taken over'), dispatcher.output);
    await dispatcher.end('SIGKILL');
    await send(5e6);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.tell('finish');
      const [sent, taken] = [await from.next('finished'), await to.next('taken')];
      t.like(taken, { bytes: 30e6, digest: sent.digest });
    }
    t.is(await ask(lab.peer, 'ping', { count: 5 }), 5);
  },
);
