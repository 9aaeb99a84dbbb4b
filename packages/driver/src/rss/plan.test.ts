import { randomBytes } from 'node:crypto';
import test from 'ava';
import { planRss, type RssPlan, spreadEvenly, TABLE_ENTRIES } from './plan.js';
import { toeplitz, VERIFICATION_KEY } from './toeplitz.js';

const PORT_AT = 10;
const rulesFor = (ports: readonly number[]) =>
  ({ matches: ports.map((destinationPort) => ({ destinationPort })), unmatched: 'drop' }) as const;
const ringOf = ({ key, table }: RssPlan, data: Uint8Array): number =>
  table[toeplitz(data, key) % TABLE_ENTRIES]!;

test('a port has its ring, whatever the addresses and the source port are', (t) => {
  const ports = Array.from({ length: 64 }, (_, index) => 7000 + index);
  const plan = planRss(rulesFor(ports), 8);
  for (let round = 0; round < 20_000; round++) {
    const tuple = randomBytes(12);
    const index = round % ports.length;
    tuple.writeUInt16BE(ports[index]!, PORT_AT);
    if (ringOf(plan, tuple) !== index % 8) t.fail(`${tuple.toString('hex')} is on a wrong ring`);
  }
  t.regex(plan.promise, /^64 destination ports .* 8 rings$/);
});

test('ports that share their low 7 bits share a ring; the others still get their own', (t) => {
  const plan = planRss(rulesFor([80, 443, 80 + 128, 444]), 3);
  const ring = (port: number): number =>
    ringOf(plan, Buffer.concat([randomBytes(PORT_AT), Buffer.from([port >> 8, port & 255])]));
  t.deepEqual([80, 443, 80 + 128, 444].map(ring), [0, 1, 0, 2]);
});

test('flows are spread where the rules name no ports, or one, and where there is one ring', (t) => {
  for (const rules of [rulesFor([]), rulesFor([53]), rulesFor([53, 53 + 128])])
    t.deepEqual(planRss(rules, 4), spreadEvenly(4));
  t.deepEqual(planRss(rulesFor([53, 54]), 1), spreadEvenly(1));
  t.is(spreadEvenly(4).key, VERIFICATION_KEY);
  const counts = [0, 0, 0, 0];
  for (const ring of spreadEvenly(4).table) counts[ring]!++;
  t.deepEqual(counts, [32, 32, 32, 32]);
});
