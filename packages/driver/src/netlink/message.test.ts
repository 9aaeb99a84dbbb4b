import test from 'ava';
import {
  attribute,
  message,
  nestedAttribute,
  readAttributes,
  readMessages,
  textAttribute,
  u32Attribute,
} from './message.js';

test('a message has a header of 16 bytes and its length in it', (t) => {
  const bytes = message(16, 0x605, 7, Buffer.from('01020304', 'hex'));
  t.is(bytes.toString('hex'), '140000001000050607000000' + '00000000' + '01020304');
});

test('attributes are padded to four bytes and read back without the padding', (t) => {
  const bytes = Buffer.concat([
    textAttribute(3, 'ab'),
    u32Attribute(4, 0xffffffff),
    attribute(9, new Uint8Array(0)),
  ]);
  t.is(bytes.length, 8 + 8 + 4);
  const attributes = readAttributes(bytes);
  t.is(attributes.get(3)?.toString(), 'ab\0');
  t.is(attributes.get(4)?.readUInt32LE(0), 0xffffffff);
  t.is(attributes.get(9)?.length, 0);
});

test('a nested attribute is read by its type, the flag taken off', (t) => {
  const outer = readAttributes(nestedAttribute(18, [u32Attribute(1, 5)]));
  t.is(readAttributes(outer.get(18)!).get(1)?.readUInt32LE(0), 5);
});

test('several messages of one datagram are parted, a cut one ends the reading', (t) => {
  const one = message(1, 0, 1, Buffer.alloc(5));
  const padded = Buffer.concat([one, Buffer.alloc(3)]);
  const two = message(2, 0, 1, Buffer.alloc(4));
  const types = (bytes: Buffer): number[] => [...readMessages(bytes)].map((m) => m.type);
  t.deepEqual(types(Buffer.concat([padded, two])), [1, 2]);
  t.deepEqual(types(Buffer.concat([padded, two]).subarray(0, -1)), [1]);
  t.deepEqual(types(Buffer.alloc(64)), []);
});
