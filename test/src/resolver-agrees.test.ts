import type { Namespace } from '@nicshare/netlab';
import { ipBatch, ipJson } from './support/iproute.js';
import { Random } from './support/random.js';
import {
  CARD,
  comesTo,
  createStackLab,
  onStack,
  outcome,
  type StackLab,
  stackTitle,
} from './support/stack-lab.js';
import { until } from './support/until.js';

/*
 * Random routing tables, and the kernel's own answer (`ip route get`) for random addresses beside ours.
 */

const ROUTES = 150;
const ADDRESSES = 600;
const SIDE = 'side0';
const MAC = '02:00:00:00:aa:01';
/** It comes last: once it is seen, all before it are. */
const LAST = { 4: '203.0.113.255', 6: '2001:db8:ffff::1' } as const;

interface Kernel {
  readonly dst: string;
  readonly type?: string;
  readonly dev?: string;
  readonly gateway?: string;
  readonly via?: { readonly host: string };
  readonly prefsrc?: string;
  readonly metrics?: readonly { readonly mtu?: number }[];
}

/** The parts that a family's tables are made of. */
interface Family {
  readonly version: 4 | 6;
  readonly gateways: readonly string[];
  readonly sideGateway: string;
  readonly sources: readonly string[];
  prefix(random: Random): string;
  address(random: Random): string;
}

const IPV4: Family = {
  version: 4,
  gateways: ['10.79.0.7', '10.79.0.8', '10.79.3.9'],
  sideGateway: '10.80.0.9',
  sources: ['10.79.0.1', '10.79.3.1', '10.79.0.5'],
  prefix(random) {
    const length = random.of([8, 10, 12, 16, 20, 23, 24, 25, 28, 30, 32]);
    const value = (random.of([44, 45]) * 2 ** 24 + random.below(4) * 2 ** 16 + random.below(2 ** 16)) >>> 0;
    const masked = ((value >>> (32 - length)) * 2 ** (32 - length)) >>> 0;
    return `${[24, 16, 8, 0].map((shift) => (masked >>> shift) & 255).join('.')}/${length}`;
  },
  address(random) {
    const own = ['10.79.0.1', '10.79.0.255', '10.79.3.40', '10.80.0.1', '10.79.0.66', '127.0.0.9', '9.9.9.9'];
    if (random.below(20) === 0) return random.of(own);
    return [random.of([44, 45]), random.below(5), random.below(256), random.below(256)].join('.');
  },
};

const IPV6: Family = {
  version: 6,
  gateways: ['fd79::7', 'fd79::8', 'fe80::9'],
  sideGateway: 'fd80::9',
  sources: ['fd79::1', '2001:db8:3::1'],
  prefix(random) {
    const length = random.of([37, 38, 39, 40, 41, 42, 44, 48, 50, 52, 56, 64]);
    let value = (0x20010db9n << 32n) | BigInt(random.below(2 ** 12) * 2 ** 16 + random.below(2 ** 16));
    value = (value >> BigInt(64 - length)) << BigInt(64 - length);
    const groups = [48n, 32n, 16n, 0n].map((shift) => ((value >> shift) & 0xffffn).toString(16));
    return `${groups.join(':')}::/${length}`;
  },
  address(random) {
    const own = [
      'fd79::1',
      'fd79::66',
      '2001:db8:3::66',
      'fe80::66',
      'fd80::1',
      '::1',
      '3fff::1',
      '2002:1::1',
    ];
    if (random.below(20) === 0) return random.of(own);
    return `2001:db9:${random.below(2 ** 12).toString(16)}:${random.below(2 ** 16).toString(16)}::${random.below(100) + 1}`;
  },
};

function randomRoute(random: Random, family: Family): string {
  // Appended IPv6 routes become hops of one, over which the kernel spreads packets as it likes.
  const verb = family.version === 4 ? 'route append' : 'route add';
  const prefix = family.prefix(random);
  const metric = random.below(3) === 0 ? ` metric ${random.below(4) + 1}` : '';
  const mtu = random.below(4) === 0 ? ` mtu ${1280 + random.below(200)}` : '';
  const source = random.below(4) === 0 ? ` src ${random.of(family.sources)}` : '';
  switch (random.below(8)) {
    case 0:
      return `${verb} ${prefix} dev ${SIDE}${metric}`;
    case 1:
      return `${verb} ${prefix} via ${family.sideGateway} dev ${SIDE}${metric}`;
    case 2:
      return `${verb} ${random.of(['blackhole', 'unreachable', 'prohibit', 'throw'])} ${prefix}${metric}`;
    case 3:
      return `${verb} ${prefix} dev ${CARD}${metric}${mtu}${source}`;
    default:
      return `${verb} ${prefix} via ${random.of(family.gateways)} dev ${CARD}${metric}${mtu}${source}`;
  }
}

function setUp({ card }: StackLab): void {
  ipBatch(card, [
    `link add ${SIDE} type veth peer name side1`,
    `link set ${SIDE} up`,
    'link set side1 up',
    `addr add 10.80.0.1/24 dev ${SIDE}`,
    `addr add fd80::1/64 dev ${SIDE} nodad`,
    `addr add 10.79.3.1/24 dev ${CARD}`,
    `addr add 10.79.0.5/24 dev ${CARD}`,
    `addr add 2001:db8:3::1/64 dev ${CARD} nodad`,
  ]);
}

/** What the kernel says of addresses; nothing for those to which it knows no way. */
function kernelAnswers(card: Namespace, addresses: readonly string[]): Map<string, Kernel> {
  const answers = ipJson(
    card,
    addresses.map((address) => `route get ${address}`),
  ) as unknown as Kernel[];
  return new Map(answers.map((answer) => [answer.dst, answer]));
}

const nextHop = ({ gateway, via, dst }: Kernel): string => gateway ?? via?.host ?? dst;

const isOurs = (answer: Kernel | undefined): answer is Kernel =>
  answer?.dev === CARD && (answer.type === 'unicast' || answer.type === 'broadcast');

function expected(answer: Kernel | undefined): string {
  if (!isOurs(answer)) return 'NoRoute';
  const mac = answer.type === 'broadcast' ? 'ff:ff:ff:ff:ff:ff' : MAC;
  const mtu = answer.metrics?.find((metric) => metric.mtu)?.mtu ?? 1500;
  return `${nextHop(answer)} ${mac} from ${answer.prefsrc} mtu ${mtu}`;
}

for (const family of [IPV4, IPV6])
  onStack(stackTitle(`lookups are what the kernel answers, IPv${family.version}`), async (t) => {
    const lab = await createStackLab(t);
    const random = new Random();
    t.log(`seed ${random.seed}`);
    setUp(lab);
    await until('duplicate address detection', () => lab.ip('addr show tentative') === '');
    const routes = Array.from({ length: ROUTES }, () => randomRoute(random, family));
    ipBatch(lab.card, [...routes, `route add ${LAST[family.version]} via ${family.gateways[0]} dev ${CARD}`]);
    const addresses = [...new Set(Array.from({ length: ADDRESSES }, () => family.address(random)))];
    const answers = kernelAnswers(lab.card, [...addresses, LAST[family.version]]);
    const hops = new Set([...answers.values()].filter(isOurs).map(nextHop));
    ipBatch(
      lab.card,
      [...hops, family.gateways[0]].map((hop) => `neigh replace ${hop} lladdr ${MAC} dev ${CARD}`),
    );
    await comesTo(lab.resolver, LAST[family.version], expected(answers.get(LAST[family.version])));
    const differing = addresses
      .map((address) => [address, outcome(lab.resolver, address), expected(answers.get(address))])
      .filter(([, ours, kernels]) => ours !== kernels);
    t.deepEqual(differing, []);
    const ours = addresses.filter((address) => isOurs(answers.get(address))).length;
    t.true(
      ours > ADDRESSES / 10 && ours < addresses.length - ADDRESSES / 10,
      `${ours} of ${addresses.length}`,
    );
  });
