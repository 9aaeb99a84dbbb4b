import { isNicshareError } from '@nicshare/shm';
import test from 'ava';
import { formatIp, parseIp, parsePrefix } from './addresses.js';

const hex = (text: string): string => parseIp(text).bytes.toString('hex');

test('IPv4 addresses are four bytes in network order', (t) => {
  t.is(hex('10.1.2.255'), '0a0102ff');
});

test('IPv6 addresses are sixteen bytes, with the zeros that :: stands for', (t) => {
  t.is(hex('fd00::1'), `fd00${'0'.repeat(27)}1`);
  t.is(hex('::'), '0'.repeat(32));
  t.is(hex('1:2:3:4:5:6:7:8'), '00010002000300040005000600070008');
  t.is(hex('fe80::'), `fe80${'0'.repeat(28)}`);
});

test('a prefix has a length that fits its family', (t) => {
  t.is(parsePrefix('10.0.0.1/24').length, 24);
  t.is(parsePrefix('fd00::1/128').length, 128);
});

test('what is no address is refused by name', (t) => {
  for (const bad of ['10.0.0.1', '10.0.0.1/33', '10.0.0/8', 'fd00::1/129', 'fe80::1%lo/64', '10.0.0.1/'])
    t.true(
      isNicshareError(
        t.throws(() => parsePrefix(bad)),
        'InvalidArgument',
      ),
      bad,
    );
});

test('bytes are written as they are read', (t) => {
  t.is(formatIp(parseIp('192.0.2.7').bytes), '192.0.2.7');
  t.is(formatIp(parseIp('2001:db8::1f').bytes), '2001:db8:0:0:0:0:0:1f');
});
