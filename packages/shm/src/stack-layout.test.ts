import test from 'ava';
import { REGION_ALIGNMENT } from './layout.js';
import * as S from './stack-layout.js';

test('the stack snapshot of version 1 stands as it was published', (t) => {
  t.is(S.STACK_VERSION, 1);
  t.deepEqual(
    {
      generation: S.GENERATION,
      interface: [S.INTERFACE_INDEX, S.INTERFACE_MTU, S.INTERFACE_SOURCE, S.INTERFACE_NAME],
      counts: [S.COUNT_NEIGHBOURS, S.COUNT_ADDRESSES, S.COUNT_ROUTES, S.COUNT_RANGES4, S.COUNT_RANGES6],
      neighbours: [
        S.NEIGHBOURS,
        S.NEIGHBOUR_SLOTS,
        S.NEIGHBOUR_BYTES,
        S.NEIGHBOUR_MAC_LOW,
        S.NEIGHBOUR_MAC_HIGH,
      ],
      addresses: [S.ADDRESSES, S.MAX_ADDRESSES, S.ADDRESS_BYTES, S.ADDRESS_PREFIX, S.ADDRESS_FLAGS],
      routes: [S.ROUTES, S.ROUTE_BYTES, S.ROUTE_MTU, S.ROUTE_GATEWAY, S.ROUTE_SOURCE, S.ROUTE_INTERFACE],
      ranges: [S.RANGES4_START, S.RANGES4_ROUTE, S.RANGES6_START, S.RANGES6_ROUTE, S.STACK_BYTES],
    },
    {
      generation: 128,
      interface: [256, 260, 264, 268],
      counts: [384, 388, 392, 396, 400],
      neighbours: [4096, 8192, 32, 16, 20],
      addresses: [266240, 256, 32, 16, 20],
      routes: [274432, 64, 4, 8, 24, 40],
      ranges: [798784, 831568, 864352, 995488, 1028272],
    },
  );
});

test('it fits a region of one 2 MiB page', (t) => {
  t.true(S.STACK_BYTES <= REGION_ALIGNMENT);
  t.true(S.ROUTE_INTERFACE + S.NAME_BYTES <= S.ROUTE_BYTES);
  t.true(S.INTERFACE_NAME + S.NAME_BYTES <= S.COUNTS);
});
