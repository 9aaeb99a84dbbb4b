import { setTimeout as delay } from 'node:timers/promises';
import { type AfXdpOptions, type DeviceContext, openDevice } from '@nicshare/driver';
import { type Bench, deviceConformance } from '@nicshare/driver/conformance';
import {
  canCreateNamespaces,
  createVeth,
  enterNewNamespace,
  listLinks,
  PacketSocket,
  setLink,
} from '@nicshare/netlab';
import { Arena } from '@nicshare/shm';
import test from 'ava';

const RING_SIZE = 64;
const possible = canCreateNamespaces();
const register = possible === true ? test.serial : test.serial.skip;
const name = (text: string): string => (possible === true ? text : `${text} (skipped: ${possible})`);

/** Joins the device's interface to the one outside by a cable, in the namespace of this process. */
async function plugIn(device: string, outside: string, queues: number): Promise<void> {
  createVeth(
    { name: device, mac: '02:00:00:00:00:0a', queues },
    { name: outside, mac: '02:00:00:00:00:0b', queues },
  );
  setLink(device, { up: true });
  setLink(outside, { up: true });
  for (let turn = 0; turn < 500 && !listLinks().every((link) => link.running || link.name === 'lo'); turn++)
    await delay(10);
}

function open(options: AfXdpOptions, outside: string): Bench {
  const arena = Arena.create(64 << 20, { shared: true });
  const context: DeviceContext = {
    arena,
    frameSize: 2048,
    ringSize: RING_SIZE,
    hugepages: 'never',
    rxTimes: true,
    note: () => {},
  };
  const socket = new PacketSocket(outside);
  const device = openDevice(options, context);
  return {
    device,
    arena,
    ringSize: RING_SIZE,
    outside: socket,
    close: () => {
      device.close();
      socket.close();
    },
  };
}

test.before(async () => {
  if (possible !== true) return;
  enterNewNamespace();
  await plugIn('one0', 'one1', 1);
  await plugIn('two0', 'two1', 2);
});

deviceConformance(register, name('af_xdp, native, 1 queue'), () =>
  open({ driver: 'af_xdp', interface: 'one0', mode: 'native' }, 'one1'),
);
deviceConformance(register, name('af_xdp, native, 2 queues'), () =>
  open({ driver: 'af_xdp', interface: 'two0', mode: 'native' }, 'two1'),
);
deviceConformance(register, name('af_xdp, generic, 1 queue'), () =>
  open({ driver: 'af_xdp', interface: 'one0', mode: 'generic' }, 'one1'),
);
