import test from 'ava';
import { packet } from '../conformance/packets.js';
import { toeplitz } from '../rss/toeplitz.js';
import { receiveHash } from './receive-hash.js';

test('packets of a flow have one hash, those of other ports others, a later fragment that of its addresses', (t) => {
  t.is(receiveHash(packet(1)), receiveHash(packet(2, 1000)));
  t.not(receiveHash(packet(1, 64, 7000)), receiveHash(packet(1, 64, 7001)));
  const fragment = packet(1);
  fragment[21] = 1;
  t.is(receiveHash(fragment), toeplitz(fragment.subarray(26, 34)));
  t.is(receiveHash(Buffer.alloc(60)), 0);
});
