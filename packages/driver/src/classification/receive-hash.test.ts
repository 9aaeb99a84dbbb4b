import test from 'ava';
import { packet } from '../conformance/packets.js';
import { receiveHash, toeplitz } from './receive-hash.js';

const bytes = (...numbers: readonly number[]): Uint8Array => Uint8Array.from(numbers);
const port = (number: number): number[] => [number >> 8, number & 255];

// Microsoft, "Verifying the RSS Hash Calculation": source, destination, source port, destination port.
test('the hash is that of the published verification suite', (t) => {
  const from = [66, 9, 149, 187];
  const to = [161, 142, 100, 80];
  t.is(toeplitz(bytes(...from, ...to)), 0x323e8fc2);
  t.is(toeplitz(bytes(...from, ...to, ...port(2794), ...port(1766))), 0x51ccc178);
  const from6 = Buffer.from('3ffe250102001fff0000000000000007', 'hex');
  const to6 = Buffer.from('3ffe2501020000030000000000000001', 'hex');
  t.is(toeplitz(bytes(...from6, ...to6)), 0x2cc18cd5);
  t.is(toeplitz(bytes(...from6, ...to6, ...port(2794), ...port(1766))), 0x40207d3d);
});

test('packets of a flow have one hash, those of other ports others, a later fragment that of its addresses', (t) => {
  t.is(receiveHash(packet(1)), receiveHash(packet(2, 1000)));
  t.not(receiveHash(packet(1, 64, 7000)), receiveHash(packet(1, 64, 7001)));
  const fragment = packet(1);
  fragment[21] = 1;
  t.is(receiveHash(fragment), toeplitz(fragment.subarray(26, 34)));
  t.is(receiveHash(Buffer.alloc(60)), 0);
});
