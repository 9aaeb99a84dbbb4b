/*
 * spread.js DRIVER RINGS FIRST FLOWS: sends packets of flows that differ in their destination port, from FIRST on, and
 * ARP, to the guest's first card; once as the card spreads them by itself, once with a rule for each port. Prints by
 * which rings they came, as JSON, a line each time.
 */
import { Driver, packet } from '@nicshare/driver/conformance';
import { openBench } from './bench.js';

const ROUNDS = 4;
const PORT_AT = 36;
const ETHER_TYPE_AT = 12;
const ARP = 0x0806;

const [driver, ...numbers] = process.argv.slice(2);
const [rings, first, flows] = numbers.map(Number) as [number, number, number];
const ports = Array.from({ length: flows }, (_, index) => first + index);
const bench = openBench(driver!, 'vfio', rings);
const taker = new Driver(bench);

function arp(): Buffer {
  const bytes = packet(0);
  bytes.writeUInt16BE(ARP, ETHER_TYPE_AT);
  return bytes;
}

/** How many packets came, and by which rings those of each port. */
async function spread(): Promise<object> {
  const found = new Map<number | 'arp', Set<number>>();
  let count = 0;
  for (let round = 0; round < ROUNDS; round++)
    for (const sent of [...ports.map((port) => packet(round, 64, port)), arp()]) {
      bench.outside.send(sent);
      for (const { queue, bytes } of await taker.take(1)) {
        const isArp = bytes.readUInt16BE(ETHER_TYPE_AT) === ARP;
        const flow = isArp ? 'arp' : bytes.readUInt16BE(PORT_AT);
        found.set(flow, (found.get(flow) ?? new Set()).add(queue));
        count++;
      }
    }
  return { count, rings: Object.fromEntries([...found].map(([flow, queues]) => [flow, [...queues]])) };
}

console.log(JSON.stringify(await spread()));
const rules = { matches: ports.map((destinationPort) => ({ destinationPort })), unmatched: 'drop' } as const;
const { why } = bench.device.setRules(rules);
console.log(JSON.stringify({ why, ...(await spread()) }));
bench.close();
