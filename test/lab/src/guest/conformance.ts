/*
 * conformance.js DRIVER ACCESS RINGS: runs the suite that every driver has to pass on the guest's first card; the
 * second one, which the kernel drives, is at the other end of its cable. Prints a line of JSON for each test.
 */
import assert from 'node:assert/strict';
import { type DeviceContext, type DeviceOptions, openDevice } from '@nicshare/driver';
import {
  type Assertions,
  type Bench,
  type ConformanceGroup,
  deviceConformance,
} from '@nicshare/driver/conformance';
import { networkFunctions } from '@nicshare/driver/pci';
import { PacketSocket, setLink } from '@nicshare/netlab';
import { Arena } from '@nicshare/shm';

const RING_SIZE = 64;
const OUTSIDE = 'eth1';
/** Cards fill shorter packets up (IEEE 802.3, 4.2.3.3), the check sequence not counted. */
const SHORTEST_ON_WIRE = 60;

const [driver, access, rings, ...groups] = process.argv.slice(2);
const pci = networkFunctions()[0]!.address;
setLink(OUTSIDE, { up: true });

const assertions: Assertions = {
  true: (value, message) => assert.ok(value, message),
  false: (value, message) => assert.ok(!value, message),
  is: (value, expected, message) => assert.equal(value, expected, message),
  notThrows: (body, message) => assert.doesNotThrow(body, message),
  deepEqual: (value, expected, message) => assert.deepEqual(value, expected, message),
};

function open(): Bench {
  const arena = Arena.create(64 << 20, { shared: true });
  const context: DeviceContext = {
    arena,
    frameSize: 2048,
    ringSize: RING_SIZE,
    hugepages: 'auto',
    note: () => {},
  };
  const device = openDevice(
    { driver, pci, access, rings: Number(rings), force: true } as DeviceOptions,
    context,
  );
  const socket = new PacketSocket(OUTSIDE);
  return {
    device,
    arena,
    ringSize: RING_SIZE,
    outside: socket,
    shortest: SHORTEST_ON_WIRE,
    holdsBack: true,
    close: () => {
      device.close();
      socket.close();
    },
  };
}

const tests: { title: string; body: (t: Assertions) => Promise<void> }[] = [];
const register = (title: string, body: (t: Assertions) => Promise<void>): void =>
  void tests.push({ title, body });
deviceConformance(register, 'card', open, groups as ConformanceGroup[]);

for (const { title, body } of tests) {
  try {
    await body(assertions);
    console.log(JSON.stringify({ title, passed: true }));
  } catch (error) {
    console.log(JSON.stringify({ title, passed: false, why: String((error as Error).stack).slice(0, 600) }));
  }
}
