import test from 'ava';
import { attribute, nestedAttribute, u32Attribute } from './message.js';
import { readAddress, readLink, readNeighbour, readRoute } from './observed.js';

const bytes = (...values: number[]): Buffer => Buffer.from(values);

/** struct rtnexthop with its attributes. */
function hop(interfaceIndex: number, flags: number, ...attributes: Buffer[]): Buffer {
  const header = Buffer.alloc(8);
  const length = 8 + attributes.reduce((sum, { length }) => sum + length, 0);
  header.writeUInt16LE(length, 0);
  header[2] = flags;
  header.writeInt32LE(interfaceIndex, 4);
  return Buffer.concat([header, ...attributes]);
}

/** struct rtmsg of IPv4: prefix length, table, type. */
const rtmsg = (length: number, table: number, type: number, flags = 0): Buffer =>
  Buffer.from([2, length, 0, 0, table, 4, 0, type, ...bytes(flags & 255, flags >> 8, 0, 0)]);

test('a route by a gateway, with a metric and an MTU of its own', (t) => {
  const route = readRoute(
    Buffer.concat([
      rtmsg(24, 254, 1),
      attribute(1, bytes(192, 0, 2, 0)),
      u32Attribute(4, 7),
      attribute(5, bytes(10, 0, 0, 1)),
      u32Attribute(6, 50),
      attribute(7, bytes(10, 0, 0, 2)),
      nestedAttribute(8, [u32Attribute(2, 1400)]),
    ]),
  );
  t.like(route, { family: 2, table: 254, prefixLength: 24, type: 1, metric: 50, mtu: 1400, cloned: false });
  t.deepEqual(route.hops, [{ interfaceIndex: 7, gateway: bytes(10, 0, 0, 1), flags: 0 }]);
  t.deepEqual(route.preferredSource, bytes(10, 0, 0, 2));
});

test('several hops, one of them dead, one by an IPv6 gateway', (t) => {
  const via = bytes(10, 0, ...Array(15).fill(0), 9);
  const { hops } = readRoute(
    Buffer.concat([
      rtmsg(0, 254, 1),
      attribute(
        9,
        Buffer.concat([
          hop(3, 1, attribute(5, bytes(10, 0, 0, 1))),
          hop(4, 0, attribute(18, via)),
          hop(5, 0),
        ]),
      ),
    ]),
  );
  t.deepEqual(
    hops.map(({ interfaceIndex, flags, gateway }) => [interfaceIndex, flags, gateway?.length]),
    [
      [3, 1, 4],
      [4, 0, 16],
      [5, 0, undefined],
    ],
  );
});

test('a table beyond 255 is in an attribute, an entry of the cache is marked', (t) => {
  t.is(readRoute(Buffer.concat([rtmsg(0, 252, 1), u32Attribute(15, 1000)])).table, 1000);
  t.true(readRoute(rtmsg(0, 254, 1, 0x200)).cloned);
});

test('a neighbour without an address is none', (t) => {
  const ndmsg = Buffer.alloc(12);
  ndmsg[0] = 2;
  ndmsg.writeInt32LE(9, 4);
  ndmsg.writeUInt16LE(0x20, 8);
  t.is(readNeighbour(ndmsg), undefined);
  const neighbour = readNeighbour(Buffer.concat([ndmsg, attribute(1, bytes(10, 0, 0, 1))]));
  t.like(neighbour, { family: 2, interfaceIndex: 9, state: 0x20, mac: undefined });
});

test("an address's flags are in an attribute where they need more than eight bits", (t) => {
  const ifaddrmsg = bytes(2, 24, 0x80, 0, 7, 0, 0, 0);
  const read = readAddress(
    Buffer.concat([
      ifaddrmsg,
      attribute(1, bytes(10, 0, 0, 9)),
      attribute(2, bytes(10, 0, 0, 1)),
      u32Attribute(8, 0x281),
    ]),
  );
  t.like(read, { interfaceIndex: 7, prefixLength: 24, flags: 0x281 });
  t.deepEqual([read?.address, read?.network], [bytes(10, 0, 0, 1), bytes(10, 0, 0, 9)]);
});

test('a cut message gives what is whole in it', (t) => {
  const body = Buffer.concat([Buffer.alloc(16), attribute(3, Buffer.from('eth0\0')), u32Attribute(4, 1500)]);
  t.like(readLink(body), { name: 'eth0', mtu: 1500 });
  for (let length = 16; length < body.length; length++) t.notThrows(() => readLink(body.subarray(0, length)));
});
