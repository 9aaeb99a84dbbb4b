import { constants } from 'node:os';
import { connect, isNicshareError } from '@nicshare/client';
import type { DispatcherStats } from '@nicshare/dispatcher';
import { Child } from './support/child.js';
import { ipBatch, ipJson } from './support/iproute.js';
import { NOBODY } from './support/nobody.js';
import {
  CARD,
  comesTo,
  createStackLab,
  FAR_MAC,
  onStack,
  outcome,
  type StackLab,
  stackTitle,
} from './support/stack-lab.js';
import { until } from './support/until.js';

/** More changes than the dispatcher's netlink socket has room for while it stands still. */
const CHANGES = 16_001;
const HOSTS = 1501;
const KNOWN = new Set(['REACHABLE', 'STALE', 'DELAY', 'PROBE', 'PERMANENT', 'NOARP']);

const host = (i: number): string => `10.79.${4 + (i >> 8)}.${i & 255}`;
const macOf = (i: number): string =>
  `02:00:00:01:${(i >> 8).toString(16).padStart(2, '0')}:${(i & 255).toString(16).padStart(2, '0')}`;

/** The kernel's own table: the MAC address of each neighbour that has one. */
function kernelNeighbours({ card }: StackLab): Map<string, string> {
  return new Map(
    ipJson(card, [`neigh show dev ${CARD}`])
      .filter(({ state }) => (state as string[]).some((one) => KNOWN.has(one)))
      .map(({ dst, lladdr }) => [String(dst), String(lladdr)]),
  );
}

onStack(stackTitle('notifications that the kernel threw away are made good'), async (t) => {
  const lab = await createStackLab(t);
  const { resolver, dispatcher, card } = lab;
  lab.ip('route add 10.79.0.0/20 dev card0');
  lab.ip('route add 198.51.100.0/24 via 10.79.4.9');
  ipBatch(
    card,
    Array.from({ length: HOSTS }, (_, i) => `neigh replace ${host(i)} lladdr ${macOf(i)} dev ${CARD}`),
  );
  await comesTo(resolver, host(HOSTS - 1), `${host(HOSTS - 1)} ${macOf(HOSTS - 1)} from 10.79.0.1 mtu 1500`);
  const before = (await lab.stats()).overruns;

  dispatcher.process.kill('SIGSTOP');
  ipBatch(
    card,
    Array.from({ length: CHANGES }, (_, i) =>
      i % 3 === 0
        ? `neigh del ${host(i % HOSTS)} dev ${CARD}`
        : `neigh replace ${host(i % HOSTS)} lladdr ${macOf(i)} dev ${CARD}`,
    ),
  );
  ipBatch(card, ['route del 198.51.100.0/24', 'route add 198.51.100.0/25 via 10.79.4.10 mtu 1300']);
  dispatcher.process.kill('SIGCONT');

  await until('the overrun is counted', async () => (await lab.stats()).overruns > before);
  const kernels = kernelNeighbours(lab);
  await until('the snapshot has as many as the kernel', async () => {
    return (await lab.stats()).neighbours === ipJson(card, [`neigh show dev ${CARD}`]).length;
  });
  const differing = Array.from({ length: HOSTS }, (_, i) => host(i)).filter((address) => {
    const mac = kernels.get(address);
    return outcome(resolver, address) !== (mac ? `${address} ${mac} from 10.79.0.1 mtu 1500` : 'unknown');
  });
  t.deepEqual(differing, []);
  t.true(kernels.size > HOSTS / 3);
  await comesTo(resolver, '198.51.100.1', `10.79.4.10 ${kernels.get('10.79.4.10')} from 10.79.0.1 mtu 1300`);
  t.is(outcome(resolver, '198.51.100.200'), 'NoRoute');

  lab.ip(`neigh replace ${host(0)} lladdr 02:00:00:00:00:77 dev ${CARD}`);
  await comesTo(resolver, host(0), `${host(0)} 02:00:00:00:00:77 from 10.79.0.1 mtu 1500`);
});

onStack(
  stackTitle('more neighbours than there is room for are counted, and come in when others go'),
  async (t) => {
    const { card, resolver, stats, ip, dispatcher } = await createStackLab(t);
    const count = 4200;
    ip('route add 10.79.0.0/17 dev card0');
    const address = (i: number): string => `10.79.${64 + (i >> 8)}.${i & 255}`;
    const added = Array.from(
      { length: count },
      (_, i) => `neigh add ${address(i)} lladdr ${FAR_MAC} dev ${CARD}`,
    );
    ipBatch(card, added);
    await until('all are seen', async () => (await stats()).neighbours === 4096);
    const kernels = (): number => ipJson(card, [`neigh show dev ${CARD}`]).length;
    await until('what is left out is counted', async () => (await stats()).leftOut === kernels() - 4096);
    await dispatcher.says('no room for');
    const unknown = (): string[] =>
      Array.from({ length: count }, (_, i) => address(i)).filter(
        (one) => outcome(resolver, one) === 'unknown',
      );
    t.true(unknown().length >= count - 4096);
    ipBatch(
      card,
      Array.from({ length: 600 }, (_, i) => `neigh del ${address(i)} dev ${CARD}`),
    );
    await until('the others have come in', async () => (await stats()).leftOut === 0);
    const left = new Set(Array.from({ length: 600 }, (_, i) => address(i)));
    await until('all that are left are known', () => unknown().every((one) => left.has(one)));
    t.is(unknown().length, left.size);
  },
);

onStack(stackTitle('an application without rights resolves, and can change nothing'), async (t) => {
  const { socket } = await createStackLab(t);
  const child = Child.start(t, 'resolving-client', [socket, '10.79.0.2']);
  t.like(await child.next('resolved'), { uid: NOBODY, mac: FAR_MAC, source: '10.79.0.1' });
  const { grant, attempts } = await child.next('probed');
  t.is(grant, 'stack');
  const { EACCES, EPERM, EBADF, EINVAL } = constants.errno;
  const answers = Object.entries(attempts as Record<string, number>);
  t.is(answers.length, 5);
  for (const [attempt, answer] of answers)
    t.true([EACCES, EPERM, EBADF, EINVAL].includes(answer), `${attempt}: ${answer}`);
});

onStack(stackTitle('who asks for neighbours without end waits alone'), async (t) => {
  const { client, socket, ip, stats, resolver } = await createStackLab(t);
  ip(`addr add 10.90.0.1/16 dev ${CARD}`);
  await comesTo(resolver, '10.90.200.200', 'unknown');
  const flooder = Child.start(t, 'resolve-flooder', [socket, '10.90']);
  await flooder.next('flooding');
  await until('the flood is on', async () => (await stats()).requests > 2000);
  t.is((await client.resolve('10.79.0.2')).mac, FAR_MAC);
  for (let i = 0; i < 5; i++) {
    ip(`neigh flush dev ${CARD}`);
    await comesTo(resolver, '10.79.0.2', 'unknown');
    t.is((await client.resolve('10.79.0.2')).mac, FAR_MAC);
  }
  flooder.tell('enough');
  const { asked, refused } = await flooder.next('flooded');
  const codes = refused as Record<string, number>;
  t.true(codes.TooManyRequests! > Number(asked) / 2, JSON.stringify(codes));
  const counted = (await client.stats()) as DispatcherStats;
  t.true(counted.refusals.TooManyRequests! >= codes.TooManyRequests!);
  t.true(counted.stack!.asked < Number(asked) / 2);
});

onStack(stackTitle('an interface that vanishes: clients are told, and nothing hangs'), async (t) => {
  const { client, resolver, card, dispatcher } = await createStackLab(t);
  const waiting = client.resolve('10.79.0.88');
  await until('it is asked for', async () => (await client.stats()) !== undefined);
  await card.run('deleteLink', CARD);
  const error = await t.throwsAsync(waiting);
  t.true(isNicshareError(error));
  t.true(
    ['DispatcherStopped', 'InterfaceLost', 'NoRoute', 'NeighbourFailed'].includes(error!.name),
    error!.name,
  );
  await dispatcher.end('SIGCONT');
  t.is(dispatcher.status, 1);
  const after = await t.throwsAsync(resolver.resolve('10.79.0.2'));
  t.true(isNicshareError(after));
});

onStack(
  stackTitle('a dispatcher that is killed leaves the last snapshot, and resolve says that it is gone'),
  async (t) => {
    const { resolver, dispatcher, client, socket } = await createStackLab(t);
    const hop = await resolver.resolve('10.79.0.2');
    const gone = new Promise((resolve) => client.once('disconnected', resolve));
    await dispatcher.end('SIGKILL');
    await gone;
    t.deepEqual(resolver.lookup('10.79.0.2'), hop);
    await t.throwsAsync(resolver.resolve('10.79.0.99'), { name: 'DispatcherStopped' });
    await client.close();
    t.throws(() => resolver.lookup('10.79.0.2'), { name: 'Closed' });
    t.throws(() => resolver.addresses(), { name: 'Closed' });
    await t.throwsAsync(connect({ socket }), { name: 'DispatcherNotRunning' });
  },
);
