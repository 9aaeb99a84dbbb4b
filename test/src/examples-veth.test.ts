/* The steps of the ladder that answer or forward, on real interfaces: the kernel is at the far side. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createNamespace, createVethPair, type Namespace } from '@nicshare/netlab';
import type { ExecutionContext } from 'ava';
import { Child } from './support/child.js';
import { Command } from './support/command.js';
import { exampleFile, startExample } from './support/example.js';
import { scratchFolder } from './support/scratch.js';
import { CARD_ADDRESS as address, createLab, onVeth, vethTitle } from './support/veth-lab.js';

const COUNT = 200;

onVeth(vethTitle('ping-responder and echo answer a host of the kernel'), async (t) => {
  const lab = await createLab(t);
  const file = lab.configure(`
  - { name: ping, match: { protocol: icmp } }
  - { name: echo, match: { protocol: udp, destinationPort: 7 } }
`);
  const dispatcher = Command.start(t, ['dispatcher', '--config', file], lab.card);
  await dispatcher.says('ready');
  await startExample(t, 'ping-responder', [], lab.socket);
  await startExample(t, 'echo', [], lab.socket);
  for (const [event, port] of [
    ['ping', undefined],
    ['udp', 7],
  ] as const) {
    lab.peer.tell(event, { address, port, count: COUNT });
    t.is((await lab.peer.next(event)).answered, COUNT, event);
  }
});

onVeth(vethTitle("dns-responder answers Node's own resolver"), async (t) => {
  const lab = await createLab(t);
  const file = lab.configure('  - { name: dns, match: { protocol: udp, destinationPort: 53 } }\n');
  const dispatcher = Command.start(t, ['dispatcher', '--config', file], lab.card);
  await dispatcher.says('ready');
  const zone = [
    'www.example=192.0.2.1',
    'WWW.example=192.0.2.2',
    'www.example=2001:db8::1',
    'v4.example=192.0.2.3',
  ];
  const dns = await startExample(t, 'dns-responder', ['dns', ...zone], lab.socket);
  t.regex(dns.output, /^answers DNS on dns of .*: 4 addresses\n/);

  const client = Child.start(t, 'dns-client', [address], lab.far);
  await client.next('up');
  for (const [kind, name, answer] of [
    ['a', 'www.example', ['192.0.2.1', '192.0.2.2']],
    ['a', 'wWw.ExAmPlE', ['192.0.2.1', '192.0.2.2']],
    ['aaaa', 'www.example', ['2001:db8::1']],
    ['aaaa', 'v4.example', 'ENODATA'],
    ['a', 'nowhere.example', 'ENOTFOUND'],
  ] as const) {
    client.tell(kind, { name });
    t.deepEqual((await client.next('answer')).answer, answer, `${kind} ${name}`);
  }
});

onVeth(vethTitle('dns-responder says nothing to what is no question, and goes on'), async (t) => {
  const lab = await createLab(t);
  const file = lab.configure('  - { name: dns, match: { protocol: udp } }\n');
  const dispatcher = Command.start(t, ['dispatcher', '--config', file], lab.card);
  await dispatcher.says('ready');
  const dns = await startExample(t, 'dns-responder', ['dns', 'a.example=192.0.2.1'], lab.socket);
  // Payloads of 1 to 1,400 bytes that mean nothing.
  lab.peer.tell('scatter', { address, port: 53, count: COUNT });
  await lab.peer.next('scattered');
  const client = Child.start(t, 'dns-client', [address], lab.far);
  await client.next('up');
  client.tell('a', { name: 'a.example' });
  t.deepEqual((await client.next('answer')).answer, ['192.0.2.1']);
  t.is(dns.errors, '');
});

/** A host on a cable of its own to the interface `card` of a namespace in the middle. */
async function hostBehind(
  t: ExecutionContext,
  middle: Namespace,
  card: string,
  number: number,
): Promise<Child> {
  const host = await createNamespace();
  t.teardown(() => host.close());
  await createVethPair(
    { namespace: middle, name: card, mac: `02:00:00:00:79:1${number}` },
    { namespace: host, name: 'eth0', mac: `02:00:00:00:79:0${number}`, addresses: [`10.79.0.${number}/24`] },
  );
  const kernel = Child.start(t, 'kernel-host', [], host);
  await kernel.next('up');
  return kernel;
}

onVeth(vethTitle('forward joins two interfaces: ARP, ping, UDP and TCP of two hosts pass'), async (t) => {
  const middle = await createNamespace();
  t.teardown(() => middle.close());
  const folder = scratchFolder(t);
  const one = await hostBehind(t, middle, 'card1', 1);
  const other = await hostBehind(t, middle, 'card2', 2);
  other.tell('serve');
  await other.next('serving');
  const sockets = ['card1', 'card2'].map((card) => join(folder, `${card}.sock`));
  for (const [i, socket] of sockets.entries()) {
    const device = { driver: 'af_xdp', interface: `card${i + 1}` };
    writeFileSync(
      `${socket}.yaml`,
      JSON.stringify({ socket: { path: socket }, device, queues: [{ name: 'all', match: 'any' }] }),
    );
    const dispatcher = Command.start(t, ['dispatcher', '--config', `${socket}.yaml`], middle);
    await dispatcher.says('ready');
  }
  const forward = Command.startProgram(t, [exampleFile('forward'), ...sockets]);
  await forward.says('forwards between all of 02:00:00:00:79:11 and all of 02:00:00:00:79:12');

  for (const [event, answered] of [
    ['ping', COUNT],
    ['udp', COUNT],
    ['tcp', true],
  ] as const) {
    one.tell(event, { address: '10.79.0.2', port: 7, count: COUNT });
    t.is((await one.next(event)).answered, answered, event);
  }
  await forward.says(' forwarded, 0 lost to back-pressure, 0 too long');
  await forward.end('SIGTERM');
  t.is(forward.errors, '');
});
