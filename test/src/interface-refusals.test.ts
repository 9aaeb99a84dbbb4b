import { chmodSync } from 'node:fs';
import { dirname } from 'node:path';
import { createDispatcher } from '@nicshare/dispatcher';
import test from 'ava';
import { CAPABILITIES } from './support/capabilities.js';
import { Child } from './support/child.js';
import { Command } from './support/command.js';
import { fakeOptions } from './support/fake-dispatcher.js';
import { scratchSocket } from './support/scratch.js';
import { CARD, CARD_ADDRESS, createLab, onVeth, vethTitle } from './support/veth-lab.js';

const QUEUES = '  - { name: rest, match: { protocol: udp } }\n';

test.serial('an interface that does not exist: InterfaceNotFound', async (t) => {
  const device = { driver: 'af_xdp', interface: 'no-such-card' } as const;
  await t.throwsAsync(createDispatcher({ ...fakeOptions(scratchSocket(t)), device }), {
    name: 'InterfaceNotFound',
    message: /no-such-card/,
  });
});

onVeth(vethTitle('AF_XDP without rights: NotPermitted, with the capabilities that it needs'), async (t) => {
  const lab = await createLab(t);
  const options = { ...fakeOptions(lab.socket), device: { driver: 'af_xdp', interface: CARD } };
  const child = Child.start(t, 'dispatcher', [JSON.stringify(options), 'nobody'], lab.card);
  const { code, action } = await child.next('failed');
  t.is(code, 'NotPermitted');
  for (const capability of Object.keys(CAPABILITIES)) t.true(String(action).includes(`CAP_${capability}`));
});

onVeth(vethTitle('AF_XDP with those capabilities and no other right'), async (t) => {
  const lab = await createLab(t);
  chmodSync(dirname(lab.socket), 0o777);
  const options = { ...fakeOptions(lab.socket), device: { driver: 'af_xdp', interface: CARD } };
  const child = Child.start(t, 'dispatcher', [JSON.stringify(options), 'capable'], lab.card);
  await child.next('ready');
  child.tell('stop');
  await child.next('stopped');
  t.pass();
});

onVeth(
  vethTitle('a second dispatcher on the same interface: InterfaceTaken, and the first goes on'),
  async (t) => {
    const lab = await createLab(t);
    const first = Command.start(t, ['dispatcher', '--config', lab.configure(QUEUES)], lab.card);
    await first.says('ready');
    const responder = Child.start(t, 'responder', [lab.socket, 'rest', 'answer']);
    await responder.next('attached');
    const config = lab.configure(QUEUES, `${lab.socket}.second`);
    const second = await Command.run(t, ['dispatcher', '--config', config], lab.card);
    t.is(second.status, 1);
    t.regex(second.errors, /^nicshare: InterfaceTaken: /);
    lab.peer.tell('udp', { address: CARD_ADDRESS, port: 7, count: 20 });
    t.is((await lab.peer.next('udp')).answered, 20);
  },
);

onVeth(
  vethTitle('an interface that vanishes ends the dispatcher, and its clients are told why'),
  async (t) => {
    const lab = await createLab(t);
    const dispatcher = Command.start(t, ['dispatcher', '--config', lab.configure(QUEUES)], lab.card);
    await dispatcher.says('ready');
    const responder = Child.start(t, 'responder', [lab.socket, 'rest', 'count']);
    await responder.next('attached');
    await lab.card.run('deleteLink', CARD);
    t.is((await responder.next('ended')).code, 'InterfaceLost');
    await dispatcher.end('SIGCONT');
    t.is(dispatcher.status, 1);
    t.regex(dispatcher.errors, /InterfaceLost/);
  },
);
