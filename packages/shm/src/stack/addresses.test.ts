import { isIP } from 'node:net';
import test from 'ava';
import { formatAddress, parseAddress } from './addresses.js';

const words = new Uint32Array(4);
const hex = (text: string): string | undefined =>
  parseAddress(text, words)
    ? Array.from(words, (word) => word.toString(16).padStart(8, '0')).join('')
    : undefined;

test('an IPv4 address is a mapped one', (t) => {
  t.is(hex('10.0.0.1'), '00000000000000000000ffff0a000001');
  t.is(hex('255.255.255.255'), '00000000000000000000ffffffffffff');
  t.is(hex('::ffff:10.0.0.1'), hex('10.0.0.1'));
});

test('an IPv6 address is read in all its forms', (t) => {
  t.is(hex('2001:db8::1'), '20010db8000000000000000000000001');
  t.is(hex('2001:DB8:0:0:0:0:0:1'), hex('2001:db8::1'));
  t.is(hex('::'), '0'.repeat(32));
  t.is(hex('1::'), '00010000000000000000000000000000');
  t.is(hex('64:ff9b::192.0.2.33'), '0064ff9b0000000000000000c0000221');
});

/** The form of RFC 5952 by another implementation. */
const canonical = (text: string): string => new URL(`http://[${text}]/`).hostname.slice(1, -1);

test('what is written is what RFC 5952 says, and is read back', (t) => {
  for (let i = 0; i < 5000; i++) {
    const groups = Array.from({ length: 8 }, () =>
      Math.random() < 0.5 ? 0 : Math.floor(Math.random() * 65536),
    );
    const text = groups.map((group) => group.toString(16)).join(':');
    t.true(parseAddress(text, words));
    const written = formatAddress(words);
    if (written.includes('.')) continue;
    if (written !== canonical(text)) t.fail(`${text}: ${written}`);
    const before = [...words];
    t.true(parseAddress(written, words));
    t.deepEqual([...words], before);
  }
});

test('of texts that anybody might send, those are addresses that node calls so', (t) => {
  const pieces = [
    '1',
    '0',
    '255',
    '256',
    '01',
    'ff',
    'fffff',
    ':',
    '::',
    '.',
    '',
    'g',
    '1.2.3.4',
    '%lo',
    ' ',
  ];
  for (let i = 0; i < 100_000; i++) {
    const count = 1 + Math.floor(Math.random() * 9);
    const text = Array.from({ length: count }, () => pieces[Math.floor(Math.random() * pieces.length)]).join(
      Math.random() < 0.5 ? '' : ':',
    );
    // A zone is no part of an address here.
    if (parseAddress(text, words) !== (isIP(text) !== 0 && !text.includes('%'))) t.fail(text);
  }
  t.pass();
});
