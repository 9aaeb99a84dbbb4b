import { connect, isNicshareError } from '@nicshare/client';
import test from 'ava';
import { Command } from './support/command.js';
import { startFake } from './support/fake-dispatcher.js';
import { ipJson } from './support/iproute.js';
import {
  CARD,
  CARD_MAC,
  comesTo,
  createStackLab,
  FAR_MAC,
  onStack,
  outcome,
  stackTitle,
} from './support/stack-lab.js';
import { until } from './support/until.js';

const FAR = `10.79.0.2 ${FAR_MAC} from 10.79.0.1 mtu 1500`;

onStack(stackTitle('a neighbour on link is asked for once, and then known'), async (t) => {
  const { resolver, client, stats } = await createStackLab(t);
  t.is(outcome(resolver, '10.79.0.2'), 'unknown');
  const before = resolver.generation;
  const hop = await client.resolve('10.79.0.2');
  t.deepEqual(hop, {
    address: '10.79.0.2',
    mac: FAR_MAC,
    macBytes: Uint8Array.of(2, 0, 0, 0, 0x79, 2),
    source: '10.79.0.1',
    mtu: 1500,
  });
  t.not(resolver.generation, before);
  t.deepEqual(resolver.lookup('10.79.0.2'), hop);
  t.is((await stats()).requests, 1);
  await resolver.resolve('10.79.0.2');
  t.is((await stats()).requests, 1, 'what is known is not asked for');
  t.is(await client.resolver(), resolver, 'one snapshot a client');
});

onStack(
  stackTitle('an IPv6 neighbour is found by neighbour discovery, from the address that fits'),
  async (t) => {
    const { resolver, card, ip } = await createStackLab(t);
    const hop = await resolver.resolve('fd79::2');
    t.is(hop.mac, FAR_MAC);
    t.is(hop.source, 'fd79::1');
    const linkLocal = ipJson(card, [`addr show dev ${CARD}`])
      .flatMap(({ addr_info }) => addr_info as { local: string; scope: string }[])
      .find(({ scope }) => scope === 'link')!.local;
    await until('duplicate address detection', () => resolver.addresses().includes(linkLocal));
    t.deepEqual(new Set(resolver.addresses()), new Set(['10.79.0.1', 'fd79::1', linkLocal]));
    ip('route add 2001:db8::/32 via fe80::2 dev card0');
    ip(`neigh replace fe80::2 lladdr ${FAR_MAC} dev card0`);
    await comesTo(resolver, '2001:db8::77', `fe80::2 ${FAR_MAC} from fd79::1 mtu 1500`);
    await comesTo(resolver, 'fe80::2', `fe80::2 ${FAR_MAC} from ${linkLocal} mtu 1500`);
  },
);

onStack(stackTitle('routes are followed: gateways, longer prefixes, metrics, MTUs, removal'), async (t) => {
  const { resolver, ip } = await createStackLab(t);
  const via = (host: number, mtu = 1500): string =>
    `10.79.0.${host} 02:00:00:00:79:0${host} from 10.79.0.1 mtu ${mtu}`;
  for (const host of [3, 4, 5]) ip(`neigh add 10.79.0.${host} lladdr 02:00:00:00:79:0${host} dev ${CARD}`);
  t.is(outcome(resolver, '192.0.2.9'), 'NoRoute');
  ip('route add default via 10.79.0.3');
  await comesTo(resolver, '192.0.2.9', via(3));
  ip('route add 192.0.2.0/24 via 10.79.0.4 mtu 1280');
  await comesTo(resolver, '192.0.2.9', via(4, 1280));
  t.is(outcome(resolver, '192.0.3.9'), via(3));
  ip('route add 192.0.2.0/24 via 10.79.0.5 metric 5');
  ip('route del 192.0.2.0/24 via 10.79.0.4');
  await comesTo(resolver, '192.0.2.9', via(5));
  ip('route add 192.0.2.0/28 dev card0 src 10.79.0.1');
  await comesTo(resolver, '192.0.2.9', 'unknown');
  ip('route del 192.0.2.0/28');
  await comesTo(resolver, '192.0.2.9', via(5));
  ip('route del 192.0.2.0/24');
  await comesTo(resolver, '192.0.2.9', via(3));
  ip(`link set ${CARD} mtu 1400`);
  await comesTo(resolver, '192.0.2.9', via(3, 1400));
  ip('route del default');
  await comesTo(resolver, '192.0.2.9', 'NoRoute');
});

onStack(
  stackTitle('a neighbour that changes its MAC address is followed under another generation'),
  async (t) => {
    const { resolver, ip } = await createStackLab(t);
    ip(`neigh add 10.79.0.9 lladdr 02:00:00:00:79:09 dev ${CARD}`);
    await comesTo(resolver, '10.79.0.9', '10.79.0.9 02:00:00:00:79:09 from 10.79.0.1 mtu 1500');
    const before = resolver.generation;
    ip(`neigh replace 10.79.0.9 lladdr 02:00:00:00:79:99 dev ${CARD}`);
    await comesTo(resolver, '10.79.0.9', '10.79.0.9 02:00:00:00:79:99 from 10.79.0.1 mtu 1500');
    t.not(resolver.generation, before);
    ip(`neigh del 10.79.0.9 dev ${CARD}`);
    await comesTo(resolver, '10.79.0.9', 'unknown');
  },
);

onStack(stackTitle('an address that goes takes its route and itself away'), async (t) => {
  const { resolver, ip } = await createStackLab(t);
  await resolver.resolve('10.79.0.2');
  ip(`addr add 10.79.1.1/24 dev ${CARD}`);
  ip(`route add 198.51.100.0/24 via 10.79.0.2 src 10.79.1.1`);
  await comesTo(resolver, '198.51.100.1', FAR.replace('from 10.79.0.1', 'from 10.79.1.1'));
  // The kernel takes the route with this source away and tells nobody.
  ip(`addr del 10.79.1.1/24 dev ${CARD}`);
  await comesTo(resolver, '198.51.100.1', 'NoRoute');
  t.false(resolver.addresses().includes('10.79.1.1'));
  ip(`addr del 10.79.0.1/24 dev ${CARD}`);
  await comesTo(resolver, '10.79.0.2', 'NoRoute');
});

onStack(stackTitle('a neighbour that does not answer is NeighbourFailed'), async (t) => {
  const { client, stats } = await createStackLab(t);
  const error = await t.throwsAsync(client.resolve('10.79.0.77'));
  t.true(isNicshareError(error, 'NeighbourFailed'));
  t.regex(error!.message, /10\.79\.0\.77 does not answer/);
  t.is((await stats()).failures, 1);
});

onStack(stackTitle('where no packet leaves by the device, NoRoute says why'), async (t) => {
  const { resolver, ip } = await createStackLab(t);
  ip('link add side0 type veth peer name side1');
  ip('link set side0 up');
  ip('route add 203.0.113.0/24 dev side0');
  ip('route add blackhole 198.18.0.0/24');
  ip('route add prohibit 198.18.1.0/24');
  ip('route add unreachable 198.18.2.0/24');
  ip('route add throw 198.18.3.0/24');
  await comesTo(resolver, '198.18.3.1', 'NoRoute');
  const reasons: Record<string, RegExp> = {
    '203.0.113.1': /goes by side0, not by the device card0/,
    '198.18.0.1': /throws packets to 198\.18\.0\.1 away/,
    '198.18.1.1': /prohibits/,
    '198.18.2.1': /unreachable/,
    '198.18.3.1': /no route to 198\.18\.3\.1/,
    '10.79.0.1': /10\.79\.0\.1 is an address of this machine/,
    '127.0.0.1': /address of this machine/,
    'fd79::1': /address of this machine/,
    '8.8.8.8': /no route to 8\.8\.8\.8/,
  };
  await comesTo(resolver, '203.0.113.1', 'NoRoute');
  for (const [address, reason] of Object.entries(reasons)) {
    const lookup = t.throws(() => resolver.lookup(address));
    t.true(isNicshareError(lookup, 'NoRoute'), address);
    t.regex(lookup!.message, reason);
    await t.throwsAsync(resolver.resolve(address), { name: 'NoRoute' });
  }
  for (const bad of ['', '10.0.0', '10.0.0.256', 'fe80::1%card0', 'example.org', '1'.repeat(500)])
    t.throws(() => resolver.lookup(bad), { name: 'InvalidArgument' }, bad);
});

onStack(
  stackTitle("of several hops the device's first that is alive is taken, a hop elsewhere is none of ours"),
  async (t) => {
    const { resolver, ip } = await createStackLab(t);
    for (const side of ['side0', 'other0']) {
      ip(`link add ${side} type veth peer name ${side}p`);
      ip(`link set ${side} up`);
    }
    ip(`neigh add 10.79.0.3 lladdr ${FAR_MAC} dev ${CARD}`);
    ip(
      `route add 192.0.2.0/24 nexthop dev side0 weight 9 nexthop via 10.79.0.3 dev ${CARD} nexthop dev other0`,
    );
    await comesTo(resolver, '192.0.2.1', `10.79.0.3 ${FAR_MAC} from 10.79.0.1 mtu 1500`);
    ip('route replace 192.0.2.0/24 nexthop dev side0 nexthop dev other0');
    await comesTo(resolver, '192.0.2.1', 'NoRoute');
    t.throws(() => resolver.lookup('192.0.2.1'), { message: /goes by side0/ });
    // The kernel marks the hop dead and sends no notification of the route.
    ip('link set side0 down');
    await until('the other hop', () => {
      try {
        resolver.lookup('192.0.2.1');
        return false;
      } catch (error) {
        return /goes by other0/.test(String(error));
      }
    });
  },
);

onStack(stackTitle('groups have their MAC addresses without being asked for'), async (t) => {
  const { resolver } = await createStackLab(t);
  const known: Record<string, string> = {
    '255.255.255.255': 'ff:ff:ff:ff:ff:ff from 10.79.0.1',
    '10.79.0.255': 'ff:ff:ff:ff:ff:ff from 10.79.0.1',
    '224.0.0.251': '01:00:5e:00:00:fb from 10.79.0.1',
    '239.255.255.250': '01:00:5e:7f:ff:fa from 10.79.0.1',
    'ff05::1:3': '33:33:00:01:00:03 from fd79::1',
    'ff0e::89ab:cdef': '33:33:89:ab:cd:ef from fd79::1',
  };
  for (const [address, wanted] of Object.entries(known))
    t.is(outcome(resolver, address), `${address} ${wanted} mtu 1500`);
});

onStack(stackTitle('a stale neighbour is used, and the kernel is asked to confirm it'), async (t) => {
  const { resolver, ip } = await createStackLab(t);
  ip(`neigh replace 10.79.0.2 lladdr ${FAR_MAC} nud stale dev ${CARD}`);
  await comesTo(resolver, '10.79.0.2', FAR);
  await until('the kernel confirms it', () => /REACHABLE/.test(ip('neigh show 10.79.0.2')));
  t.is(outcome(resolver, '10.79.0.2'), FAR);
  t.is(CARD_MAC, '02:00:00:00:79:01');
});

onStack(stackTitle('nicshare resolve prints next hops, and says which there are none for'), async (t) => {
  const { socket } = await createStackLab(t);
  const run = (...args: string[]) => Command.run(t, ['resolve', '--socket', socket, ...args]);
  const both = await run('10.79.0.2', '8.8.8.8');
  t.is(both.status, 1);
  t.regex(both.output, new RegExp(`10\\.79\\.0\\.2 +10\\.79\\.0\\.2 +${FAR_MAC} +10\\.79\\.0\\.1 +1500`));
  t.regex(both.errors, /NoRoute: There is no route to 8\.8\.8\.8/);
  const json = await run('--json', 'fd79::2');
  t.is(json.status, 0);
  t.deepEqual(JSON.parse(json.output), {
    destination: 'fd79::2',
    address: 'fd79::2',
    mac: FAR_MAC,
    source: 'fd79::1',
    mtu: 1500,
  });
  t.is((await run()).status, 1);
});

test.serial('a device without an interface of the kernel: NotSupported', async (t) => {
  const host = await startFake(t);
  const client = await connect({ socket: host.socket });
  t.teardown(() => client.close());
  await t.throwsAsync(client.resolver(), { name: 'NotSupported', message: /af_xdp/ });
  await t.throwsAsync(client.resolve('10.0.0.1'), { name: 'NotSupported' });
  const port = await client.attach('one');
  await t.throwsAsync(port.resolver(), { name: 'NotSupported' });
});
