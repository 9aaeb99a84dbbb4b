import test from 'ava';
import { parseListenAddress } from './listen-address.js';

test('a host or an address, and a port', (t) => {
  t.deepEqual(parseListenAddress('127.0.0.1:9464'), { host: '127.0.0.1', port: 9464 });
  t.deepEqual(parseListenAddress('localhost:0'), { host: 'localhost', port: 0 });
  t.deepEqual(parseListenAddress('[::1]:65535'), { host: '::1', port: 65535 });
});

for (const text of [
  '',
  '9464',
  ':9464',
  '127.0.0.1',
  '::1:9464',
  '127.0.0.1:65536',
  'a b:1',
  '[::1]',
  'x:1:2',
])
  test(`'${text}' is no address and port`, (t) => {
    t.is(parseListenAddress(text), undefined);
  });
