import test from 'ava';
import { toeplitz } from './toeplitz.js';

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
