import { tables as driverTables } from '@nicshare/driver';
import { layout } from '@nicshare/shm';
import test from 'ava';
import { loadPlane, type Plane } from './plane.js';
import { writeRules } from './rule-table.js';
import * as T from './tables.js';

const PACKET = 1 << 20;
const NO_DEVICE = { rxBurst: () => 0, rxRelease: () => {}, txReserve: () => 0, txBurst: () => {} };

function plane(): { plane: Plane; memory: WebAssembly.Memory; classify(packet: Uint8Array): number } {
  const memory = new WebAssembly.Memory({ initial: 32, maximum: 32, shared: true });
  const loaded = loadPlane(memory, NO_DEVICE);
  const bytes = new Uint8Array(memory.buffer);
  return {
    memory,
    plane: loaded,
    classify(packet) {
      bytes.fill(0xee, PACKET, PACKET + 2048);
      bytes.set(packet, PACKET);
      return loaded.classifyPacket(PACKET, packet.length);
    },
  };
}

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const MACS = '020000000001 020000000002';
const udp = (port: string, ihl = '45', fragment = '0000'): string =>
  `${MACS} 0800 ${ihl}00002a0000 ${fragment} 4011 0000 0a000001 0a000002 ${ihl === '46' ? '01010101' : ''} 1234 ${port} 0000 0000`;

test('tables of the packages lie one behind the other below the first MiB', (t) => {
  t.is(T.PLANE, driverTables.DRIVER_TABLES_END);
  t.true(T.RX_BATCH + driverTables.MAX_BURST * driverTables.BATCH_ENTRY <= T.TX_BATCH);
  t.true(T.TABLES_END <= 1 << 20);
  t.is(T.HISTOGRAM_SUM, layout.LATENCY_BUCKETS * 8);
  t.is((T.TOUCHED | T.LATENCIES) % 8, 0);
});

test('the first rule that fits decides', (t) => {
  const { memory, classify } = plane();
  writeRules(new DataView(memory.buffer), [
    { match: { protocol: 17, destinationPort: 53 }, queue: 3 },
    { match: { protocol: 17 }, queue: 1 },
    { match: { etherType: 0x0806 }, queue: 2 },
    { match: { destinationMac: bytes('020000000001') }, queue: 0 },
  ]);
  t.is(classify(bytes(udp('0035'))), 3);
  t.is(classify(bytes(udp('0036'))), 1);
  t.is(classify(bytes(`${MACS} 0806 0001`)), 2);
  t.is(classify(bytes(`${MACS} 88cc 0001`)), 0);
  t.is(classify(bytes('ffffffffffff 020000000002 88cc')), -1);
});

test('ports are found behind IPv4 options and in IPv6, and nowhere else', (t) => {
  const { memory, classify } = plane();
  writeRules(new DataView(memory.buffer), [{ match: { destinationPort: 53 }, queue: 0 }]);
  t.is(classify(bytes(udp('0035', '46'))), 0, 'options');
  const ipv6 = `${MACS} 86dd 60000000 0008 11 40 ${'00'.repeat(32)} 1234 0035 0008 0000`;
  t.is(classify(bytes(ipv6)), 0, 'IPv6');
  t.is(classify(bytes(ipv6.replace('0008 11', '0008 3a'))), -1, 'ICMPv6 has no ports');
  t.is(classify(bytes(udp('0035', '45', '2000'))), 0, 'the first fragment');
  t.is(classify(bytes(udp('0035', '45', '0001'))), -1, 'a later fragment');
  t.is(classify(bytes(udp('0035', '44'))), -1, 'a header of 16 bytes');
  t.is(classify(bytes(udp('0035').replace('0800', '8100'))), -1, 'a VLAN tag is not looked through');
});

test('a field that is cut off does not match, whatever lies behind the packet', (t) => {
  const { memory, classify } = plane();
  const packet = bytes(udp('0035'));
  writeRules(new DataView(memory.buffer), [
    { match: { destinationPort: 53 }, queue: 3 },
    { match: { protocol: 17 }, queue: 2 },
    { match: { etherType: 0x0800 }, queue: 1 },
    { match: {}, queue: 0 },
  ]);
  const expected = (length: number): number => (length >= 38 ? 3 : length >= 34 ? 2 : length >= 14 ? 1 : 0);
  for (let length = 0; length <= packet.length; length++)
    t.is(classify(packet.subarray(0, length)), expected(length), `${length} bytes`);
});

test('without rules nothing matches', (t) => {
  t.is(plane().classify(bytes(udp('0035'))), -1);
});
