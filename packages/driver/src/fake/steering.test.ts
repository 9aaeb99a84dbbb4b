import test from 'ava';
import { packet } from '../conformance/packets.js';
import type { FlowMatch } from '../rules.js';
import { plugged, RING_SIZE } from './fake.test.support.js';

const onPort = (destinationPort: number): FlowMatch => ({ protocol: 17, destinationPort });
const hex = (packets: readonly Uint8Array[]): string[] =>
  packets.map((bytes) => Buffer.from(bytes).toString('hex'));

test('before rules are set all packets are handed over; then those that match, the others go to the kernel', (t) => {
  const { device, wire, take } = plugged();
  t.true(wire.inject(packet(0, 64, 9)));
  t.is(take().length, 1);
  t.deepEqual(device.setRules({ matches: [onPort(7)], unmatched: 'pass' }), { coverage: 'exact' });
  const others = [packet(1, 64, 9), packet(2, 64, 8), Buffer.alloc(20)];
  for (const bytes of [packet(3, 64, 7), ...others]) t.true(wire.inject(bytes));
  t.is(take().length, 1);
  t.deepEqual(hex(wire.passed()), hex(others));
  t.deepEqual(wire.passed(), []);
  t.is(device.stats().rxDropped.unmatched, 0);
});

test('packets that the rules drop are lost, and counted', (t) => {
  const { device, wire, take } = plugged();
  device.setRules({ matches: [onPort(7)], unmatched: 'drop' });
  t.false(wire.inject(packet(1, 64, 9)));
  t.true(wire.inject(packet(2, 64, 7)));
  t.is(take().length, 1);
  t.is(device.stats().rxDropped.unmatched, 1);
  t.deepEqual(wire.passed(), []);
});

test('every field of a rule arrives as it was set, as many as there may be; of more, all packets are handed over', (t) => {
  const { device, wire, take } = plugged();
  const mac = Uint8Array.of(0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54);
  const filler: FlowMatch = { etherType: 0xffff, protocol: 255, destinationPort: 65535, destinationMac: mac };
  const rules = (count: number, last: FlowMatch): FlowMatch[] => [...Array(count - 1).fill(filler), last];
  const toMac = packet(1);
  toMac.set(mac);
  device.setRules({ matches: rules(256, { destinationMac: mac }), unmatched: 'drop' });
  t.true(wire.inject(toMac));
  t.false(wire.inject(packet(2)));
  device.setRules({ matches: rules(2, { etherType: 0x0800, protocol: 17 }), unmatched: 'drop' });
  t.true(wire.inject(packet(3)));
  t.false(wire.inject(packet(4, 14)));
  take();
  const { coverage, why } = device.setRules({ matches: rules(257, filler), unmatched: 'drop' });
  t.is(coverage, 'none');
  t.regex(why!, /takes 256 rules, not 257/);
  t.true(wire.inject(packet(5)));
  t.is(take().length, 1);
});

test('several rings are spread over by flow, or by rule; a ring that is named comes first', (t) => {
  const hashed = plugged({ rings: 4 });
  const rings = new Set<number>();
  for (let port = 0; port < RING_SIZE; port++) {
    t.true(hashed.wire.inject(packet(1, 64, port)));
    t.true(hashed.wire.inject(packet(2, 700, port)));
    const counts = [0, 1, 2, 3].map((ring) => hashed.take(ring).length);
    t.deepEqual([...counts].sort(), [0, 0, 0, 2], 'one flow, one ring');
    rings.add(counts.indexOf(2));
  }
  t.is(rings.size, 4);

  const ruled = plugged({ rings: 2, steering: 'rules' });
  ruled.device.setRules({ matches: [onPort(7), onPort(8), onPort(9)], unmatched: 'drop' });
  for (const port of [7, 8, 8, 9]) ruled.wire.inject(packet(1, 64, port));
  ruled.wire.inject(packet(1, 64, 7), 1);
  t.is(ruled.take(0).length, 2);
  t.is(ruled.take(1).length, 3);
  t.false(ruled.wire.inject(packet(1, 64, 10), 1), 'rules hold for it too');
});

test('where the unmatched are taken, every packet is handed over', (t) => {
  const fake = plugged({ rings: 2, steering: 'rules' });
  fake.device.setRules({ matches: [onPort(8), onPort(9)], unmatched: 'take' });
  for (const port of [7, 9, 10]) t.true(fake.wire.inject(packet(1, 64, port)));
  t.is(fake.take(0).length, 2);
  t.is(fake.take(1).length, 1);
  t.is(fake.wire.passed().length, 0);
});

test('of packets for the kernel that nobody looks at, the last are kept', (t) => {
  const { device, wire } = plugged();
  device.setRules({ matches: [], unmatched: 'pass' });
  for (let i = 0; i < 5000; i++) t.true(wire.inject(packet(i)));
  const passed = wire.passed();
  t.is(passed.length, 4096);
  t.is(Buffer.from(passed.at(-1)!).readUInt32BE(42), 4999);
});
