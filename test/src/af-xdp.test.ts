/*
 * What AF_XDP alone does; what every device does is in the conformance suite. Each test has a veth pair x0 - x1 of its
 * own in this process's network namespace.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type AfXdpOptions, type Device, openDevice, type RuleSet, tables } from '@nicshare/driver';
import {
  canCreateNamespaces,
  createVeth,
  deleteLink,
  enterNewNamespace,
  listLinks,
  PacketSocket,
  setLink,
} from '@nicshare/netlab';
import { Arena, type ErrorCode, type NicshareError } from '@nicshare/shm';
import { PollSet } from '@nicshare/shm/sys';
import test, { type ExecutionContext } from 'ava';
import type { HolderReport } from './support/device-holder.js';

const able = canCreateNamespaces();
const rootTest = able === true ? test.serial : test.serial.skip;
const unless = able === true ? '' : ` (skipped: ${able})`;

const RING = 64;
const NOBODY = '65534';
const ALL: RuleSet = { matches: [{}], unmatched: 'pass' };
const PORT_7: RuleSet = { matches: [{ protocol: 17, destinationPort: 7 }], unmatched: 'drop' };

let arena: Arena;
let batch: number;
const notes: string[] = [];
const children: ChildProcess[] = [];

test.before(() => {
  if (able === true) enterNewNamespace();
  arena = Arena.create(128 << 20, { shared: true });
  batch = arena.allocate(tables.MAX_BURST * tables.BATCH_ENTRY);
});

test.beforeEach(() => {
  notes.length = 0;
  if (able !== true) return;
  createVeth({ name: 'x0', queues: 2 }, { name: 'x1', queues: 2 });
  for (const name of ['x0', 'x1']) setLink(name, { up: true });
});

test.afterEach.always(async () => {
  for (const child of children.splice(0)) await end(child);
  if (able === true) removeLink('x0');
});

function removeLink(name: string): void {
  try {
    deleteLink(name);
  } catch {
    // The test has removed it itself.
  }
}

function open(
  options: Partial<AfXdpOptions> = {},
  frameSize = 2048,
  ringSize = RING,
  spareFrames = 0,
): Device {
  const note = (line: string) => notes.push(line);
  const context = { arena, frameSize, ringSize, spareFrames, hugepages: 'never', note } as const;
  return openDevice({ driver: 'af_xdp', interface: 'x0', ...options }, context);
}

function throwsCode(t: ExecutionContext, body: () => unknown, code: ErrorCode, words: RegExp): void {
  const error = t.throws<NicshareError>(() => void body());
  t.is(error?.code, code);
  t.regex(error?.message ?? '', words);
}

function udp(port: number, number = 0): Buffer {
  const bytes = Buffer.alloc(64);
  bytes.write('02000000000a02000000000b08004500003200000000401100000a0000010a0000021f400000001e0000', 'hex');
  bytes.writeUInt16BE(port, 36);
  bytes.writeUInt32BE(number, 42);
  return bytes;
}

/** Takes what is there of all queues, gives the frames back, and returns the packets' numbers. */
function take(device: Device): number[] {
  const view = new DataView(arena.memory.buffer);
  const numbers: number[] = [];
  for (let queue = 0; queue < device.info.rxQueues; queue++) {
    const count = device.fastPath.rxBurst(queue, batch, tables.MAX_BURST);
    for (let i = 0; i < count; i++) numbers.push(view.getUint32(view.getUint32(batch + i * 8, true) + 42));
    device.fastPath.rxRelease(queue, batch, count);
  }
  return numbers;
}

/** Calls `step` until it says true; gives up after some seconds. */
async function eventually(step: () => boolean): Promise<boolean> {
  for (let turn = 0; turn < 2000; turn++) {
    if (step()) return true;
    await delay(2);
  }
  return false;
}

/** Opens the interface in another process, which holds it. */
async function hold(...args: string[]): Promise<{ child: ChildProcess; report: HolderReport }> {
  const child = fork(fileURLToPath(new URL('./support/device-holder.js', import.meta.url)), args);
  children.push(child);
  const [report] = (await once(child, 'message')) as [HolderReport];
  return { child, report };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

rootTest(`the kernel keeps its packets until rules are set${unless}`, async (t) => {
  const device = open();
  const outside = new PacketSocket('x1');
  outside.send(udp(7, 1));
  await delay(50);
  t.deepEqual(take(device), []);
  device.setRules(PORT_7);
  outside.send(udp(7, 2));
  t.true(await eventually(() => take(device).includes(2)));
  outside.close();
  device.close();
});

rootTest(`rules are replaced under traffic without losing a packet that both have${unless}`, async (t) => {
  const device = open();
  device.setRules(PORT_7);
  const outside = new PacketSocket('x1');
  const received: number[] = [];
  const sent = Array.from({ length: 2000 }, (_, number) => number);
  for (const number of sent) {
    outside.send(udp(7, number));
    if (number % 20 === 0) device.setRules(number % 40 === 0 ? ALL : PORT_7);
    received.push(...take(device));
    if (number % 16 === 0) await eventually(() => received.push(...take(device)) > number);
  }
  t.true(await eventually(() => received.push(...take(device)) >= sent.length));
  t.deepEqual(received, sent);
  outside.close();
  device.close();
});

rootTest(`what overruns a ring is counted${unless}`, async (t) => {
  const device = open();
  device.setRules(ALL);
  const outside = new PacketSocket('x1');
  const full = (): number => device.stats().rxDropped.rx_ring_full ?? 0;
  const sent = RING * 4;
  for (let number = 0; number < sent; number++) outside.send(udp(7, number));
  t.true(await eventually(() => full() === sent - RING));
  t.deepEqual(
    take(device),
    Array.from({ length: RING }, (_, number) => number),
  );
  device.close();
  t.is(full(), sent - RING);
  outside.close();
});

rootTest(`goes on while its spare frames are out${unless}`, async (t) => {
  const spareFrames = 100;
  const device = open({}, 2048, RING, spareFrames);
  device.setRules(ALL);
  const { rxBurst, rxRelease } = device.fastPath;
  const free = (): number[] => device.stats().rings!.map(({ rxFree }) => rxFree);
  const all = [2 * RING + spareFrames, 2 * RING + spareFrames];
  t.deepEqual(free(), all);
  const outside = new PacketSocket('x1');
  const view = new DataView(arena.memory.buffer);
  const held: { queue: number; offset: number }[] = [];
  const holdOne = (): boolean => {
    const queue = [0, 1].find((candidate) => rxBurst(candidate, batch, 1) === 1);
    if (queue !== undefined) held.push({ queue, offset: view.getUint32(batch, true) });
    return queue !== undefined;
  };
  for (let number = 0; number < spareFrames; number++) {
    outside.send(udp(7, number));
    t.true(await eventually(holdOne));
  }
  t.is(new Set(held.map(({ offset }) => offset)).size, spareFrames);
  for (let number = 0; number < RING * 10; number++) {
    outside.send(udp(7, number));
    t.true(await eventually(() => take(device).includes(number)));
  }
  for (const { queue, offset } of held) {
    view.setUint32(batch, offset, true);
    rxRelease(queue, batch, 1);
  }
  t.deepEqual(free(), all);
  outside.close();
  device.close();
});

rootTest(`every hardware queue sends, many times its ring${unless}`, async (t) => {
  const device = open();
  const outside = new PacketSocket('x1');
  const view = new DataView(arena.memory.buffer);
  const bytes = Buffer.from(arena.memory.buffer);
  t.is(device.info.txQueues, 2);
  for (let queue = 0; queue < 2; queue++) {
    let sent = 0;
    const arrived: number[] = [];
    const collect = (): boolean => {
      device.maintain();
      arrived.push(...outside.receive().map((packet) => Buffer.from(packet).readUInt32BE(42)));
      return arrived.length >= sent;
    };
    while (sent < RING * 10) {
      const count = device.fastPath.txReserve(queue, batch, 48);
      for (let i = 0; i < count; i++) {
        bytes.set(udp(9, sent + i), view.getUint32(batch + i * 8, true));
        view.setUint32(batch + i * 8 + 4, 64, true);
      }
      device.fastPath.txBurst(queue, batch, count);
      sent += count;
      t.true(await eventually(collect));
    }
    t.deepEqual(
      arrived,
      Array.from({ length: sent }, (_, number) => number),
    );
  }
  outside.close();
  device.close();
});

rootTest(`takes as many hardware queues as it is told${unless}`, (t) => {
  const one = open({ rings: 1 });
  t.is(one.info.rxQueues, 1);
  one.close();
  const all = open({ rings: 5 });
  t.is(all.info.rxQueues, 2);
  t.true(notes.some((line) => /2 receive queues/.test(line)));
  all.close();
  throwsCode(t, () => open({ rings: 0 }), 'InvalidArgument', /rings/);
});

rootTest(`close leaves nothing${unless}`, (t) => {
  const descriptors = (): number => readdirSync('/proc/self/fd').length;
  open().close();
  const [used, before] = [arena.used, descriptors()];
  for (let round = 0; round < 3; round++) open({ mode: round === 1 ? 'generic' : 'native' }).close();
  throwsCode(t, () => open({}, 2048, 100), 'DeviceFailed', /EINVAL/);
  t.is(arena.used, used);
  t.is(descriptors(), before);
});

rootTest(
  `an interface that another process has is InterfaceTaken, and free once that is killed${unless}`,
  async (t) => {
    const { child, report } = await hold('x0');
    t.deepEqual(report, { opened: true });
    throwsCode(t, () => open(), 'InterfaceTaken', /x0/);
    await end(child);
    const device = open();
    device.setRules(ALL);
    const outside = new PacketSocket('x1');
    outside.send(udp(7, 5));
    t.true(await eventually(() => take(device).includes(5)));
    outside.close();
    device.close();
  },
);

rootTest(`without privileges it is NotPermitted${unless}`, async (t) => {
  const { report } = await hold('x0', NOBODY);
  t.deepEqual(report, { opened: false, code: 'NotPermitted' });
});

rootTest(`an interface that cannot be used is refused in words${unless}`, async (t) => {
  throwsCode(t, () => open({ interface: 'x9' }), 'InterfaceNotFound', /x9/);
  throwsCode(t, () => open({ interface: 'a-name-that-is-too-long' }), 'InterfaceNotFound', /too-long/);
  setLink('x0', { mtu: 1900 });
  throwsCode(t, () => open(), 'InvalidArgument', /mtu 1774.*frameSize to 4096/);
  open({}, 4096).close();
  setLink('x0', { mtu: 9000 });
  throwsCode(t, () => open(), 'InvalidArgument', /mtu 1774\)\.$/);
  setLink('x0', { mtu: 4000 });
  throwsCode(t, () => open({}, 4096), 'InvalidArgument', /mtu 3822\)\.$/);
  setLink('x0', { mtu: 1500, up: false });
  throwsCode(t, () => open(), 'InterfaceLost', /ip link set x0 up/);
  setLink('x0', { up: true });
  setLink('x1', { up: false });
  // The kernel tells the carrier a little later.
  t.true(await eventually(() => listLinks().some((link) => link.name === 'x0' && !link.running)));
  open().close();
  t.true(notes.some((line) => /no carrier/.test(line)));
});

rootTest(`the link is that of the interface, up, down, or gone${unless}`, async (t) => {
  const device = open();
  t.true(await eventually(() => device.stats().link === 'up'));
  setLink('x1', { up: false });
  t.true(await eventually(() => device.stats().link === 'down'));
  setLink('x1', { up: true });
  t.true(await eventually(() => device.stats().link === 'up'));
  deleteLink('x0');
  t.is(device.stats().link, 'down');
  device.close();
});

rootTest(`an interface that goes down or away ends the device${unless}`, (t) => {
  const down = open();
  setLink('x0', { up: false });
  t.false(down.prepareSleep());
  throwsCode(t, () => down.maintain(), 'InterfaceLost', /x0/);
  down.close();
  setLink('x0', { up: true });
  const away = open();
  deleteLink('x0');
  t.false(away.prepareSleep());
  throwsCode(t, () => away.maintain(), 'InterfaceLost', /x0/);
  t.notThrows(() => away.close());
});

rootTest(`where the driver has no XDP the generic mode is taken, with a note${unless}`, async (t) => {
  setLink('lo', { mtu: 1500 });
  throwsCode(t, () => open({ interface: 'lo', mode: 'native' }), 'DeviceFailed', /lo/);
  const device = open({ interface: 'lo' });
  t.is(device.info.mode, 'generic, copy');
  t.true(notes.some((line) => /generic mode is used/.test(line)));
  device.setRules({ matches: [{ protocol: 17, destinationPort: 4007 }], unmatched: 'pass' });
  const socket = createSocket('udp4');
  socket.send(Buffer.from([0, 0, 0, 42]), 4007, '127.0.0.1');
  const sleeping = new PollSet(device.waitDescriptors);
  t.true(await eventually(() => sleeping.wait(0) > 0));
  t.deepEqual(take(device), [42]);
  socket.close();
  device.close();
});
