import { packet } from '@nicshare/driver/conformance';
import { toeplitz } from '@nicshare/driver/rss';
import { cable, prepareCable } from './cable.js';
import { runInGuest } from './guest.js';
import { labTests } from './lab-test.js';
import { recentQemu } from './qemu.js';

interface Spread {
  readonly count: number;
  /** By which rings the packets of each port, and ARP, came. */
  readonly rings: Readonly<Record<string, readonly number[]>>;
  readonly why?: string;
}

const RINGS = 8;
const FIRST = 7000;
const FLOWS = 64;
const ROUNDS = 4;
const TABLE_ENTRIES = 128;
/** A card hashes no ARP. */
const UNHASHED = 'arp';
/** IPv4 addresses and ports. */
const [FROM, TO] = [26, 38];

const ports = Array.from({ length: FLOWS }, (_, index) => FIRST + index);
const hashed = (port: number): number =>
  (toeplitz(packet(0, 64, port).subarray(FROM, TO)) % TABLE_ENTRIES) % RINGS;

labTests(recentQemu)(
  'igb: 64 flows over 8 rings come by the ring of their hash, and with a rule a port by the ring of their port',
  async (qemu, t) => {
    const command = `${prepareCable('igb')}
      node test/lab/dist/guest/spread.js igb ${RINGS} ${FIRST} ${FLOWS}`;
    const { output } = await runInGuest({ qemu, iommu: true, devices: cable('igb'), command });
    const lines = output.split('\n').filter((line) => line.startsWith('{'));
    const [spread, steered] = lines.map((line): Spread => JSON.parse(line));
    t.is(spread?.count, (FLOWS + 1) * ROUNDS, output);
    t.deepEqual(
      ports.map((port) => spread!.rings[port]),
      ports.map((port) => [hashed(port)]),
    );
    t.true(new Set(ports.map(hashed)).size === RINGS, 'these flows use all rings');
    t.deepEqual(spread!.rings[UNHASHED], [0]);

    t.is(steered?.count, (FLOWS + 1) * ROUNDS, output);
    t.deepEqual(
      ports.map((port) => steered!.rings[port]),
      ports.map((_, index) => [index % RINGS]),
    );
    t.regex(steered!.why!, /64 destination ports of IPv4 come each by one of 8 rings/);
  },
);
