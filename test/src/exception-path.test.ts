/* The exception path on the fake device: what no queue takes goes to the kernel of this process's own namespace. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from '@nicshare/client';
import { createDispatcher, type DispatcherOptions } from '@nicshare/dispatcher';
import { addNeighbour, deleteLink, enterNewNamespace, linkIndex, listLinks, setLink } from '@nicshare/netlab';
import test, { type ExecutionContext } from 'ava';
import { Bystander } from './support/bystander.js';
import { Child } from './support/child.js';
import { type FakeHost, fakeOptions, startFake } from './support/fake-dispatcher.js';
import { arpRequest, echoRequest, udpPacket } from './support/host-packets.js';
import { canCreateTaps } from './support/kernel-interface.js';
import { scratchSocket } from './support/scratch.js';
import { until } from './support/until.js';

const possible = canCreateTaps();
if (possible === true) enterNewNamespace();
const kernelTest = possible === true ? test.serial : test.serial.skip;
const title = (text: string): string => (possible === true ? text : `${text} (skipped: ${possible})`);

const TAP = 'nicshare0';
/** The fake device's. */
const OWN = { mac: '02:00:00:00:fa:ce', ip: '10.79.0.1' } as const;
const PEER = { mac: '02:00:00:00:79:02', ip: '10.79.0.2' } as const;
const WITH_TAP: Partial<DispatcherOptions> = { unmatched: 'tap', tap: { addresses: [`${OWN.ip}/24`] } };
const ETHERTYPE_ARP = 0x0806;
const UDP = 17;

const etherType = (packet: Uint8Array): number => (packet[12]! << 8) | packet[13]!;
const isUdp = (packet: Uint8Array): boolean => etherType(packet) === 0x0800 && packet[23] === UDP;

/** Captures until a packet fits, and returns it. */
async function captured(host: FakeHost, fits: (packet: Uint8Array) => boolean): Promise<Buffer> {
  let found: Uint8Array | undefined;
  await until('a packet on the wire', () => {
    found = host.wire.capture().find(fits);
    return found !== undefined;
  });
  return Buffer.from(found!);
}

async function udpSocket(t: ExecutionContext, port = 0): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(port, OWN.ip);
  await once(socket, 'listening');
  t.teardown(() => socket.close());
  return socket;
}

const send = (socket: Socket, bytes: Uint8Array): Promise<unknown> =>
  new Promise((resolve, reject) => {
    socket.send(bytes, 9, PEER.ip, (error) => (error ? reject(error) : resolve(undefined)));
  });

const plane = async (host: FakeHost) => (await host.dispatcher.stats()).plane;

kernelTest(title('the kernel answers ARP and ping on a device that it does not know'), async (t) => {
  const host = await startFake(t, WITH_TAP);
  t.is((await host.dispatcher.stats()).device.exceptionInterface, TAP);
  t.like(
    listLinks().find(({ name }) => name === TAP),
    { mac: OWN.mac, mtu: 1500, up: true, running: true },
  );
  t.true(host.wire.inject(arpRequest(PEER, OWN.ip)));
  const answer = await captured(host, (packet) => etherType(packet) === ETHERTYPE_ARP && packet[21] === 2);
  t.is(answer.subarray(22, 28).toString('hex'), OWN.mac.replaceAll(':', ''));
  t.deepEqual([...answer.subarray(28, 32)], [10, 79, 0, 1]);
  t.is(answer.subarray(0, 6).toString('hex'), PEER.mac.replaceAll(':', ''));

  const payload = Buffer.from('the kernel sends this back');
  t.true(host.wire.inject(echoRequest(PEER, OWN, payload)));
  const echo = await captured(host, (packet) => packet[23] === 1);
  t.is(echo[34], 0, 'an echo reply (RFC 792)');
  t.deepEqual(echo.subarray(42, 42 + payload.length), payload);
  const { exceptionToKernel, exceptionFromKernel, exceptionDropped } = await plane(host);
  t.is(exceptionToKernel, 2);
  t.true(exceptionFromKernel >= 2);
  t.deepEqual(new Set(Object.values(exceptionDropped)), new Set([0]));
});

kernelTest(title('who watches the device sees what goes to the kernel, and what it sends'), async (t) => {
  const host = await startFake(t, WITH_TAP);
  const client = await connect({ socket: host.socket });
  t.teardown(() => client.close());
  const watcher = await client.tap();
  t.true(host.wire.inject(arpRequest(PEER, OWN.ip)));
  const seen: unknown[] = [];
  for await (const packets of watcher) {
    for (let i = 0; i < packets.count; i++) {
      const { direction, queue, dropReason, originalLength } = packets.record(i);
      seen.push({ direction, queue, dropReason, originalLength });
    }
    if (seen.length >= 2) break;
  }
  const unclaimed = { queue: undefined, dropReason: undefined, originalLength: 42 };
  t.deepEqual(seen, [
    { direction: 'received', ...unclaimed },
    { direction: 'sent', ...unclaimed },
  ]);
});

kernelTest(title("a queue's packets go to its client and not to the kernel"), async (t) => {
  const host = await startFake(t, WITH_TAP);
  const bystander = await Bystander.attach(t, host);
  await bystander.exchange(200);
  t.is((await plane(host)).exceptionToKernel, 0);
  t.true(host.wire.inject(arpRequest(PEER, OWN.ip)));
  await captured(host, (packet) => etherType(packet) === ETHERTYPE_ARP);
  await bystander.exchange(64);
});

kernelTest(title('a flow stays on its ring, in both directions'), async (t) => {
  const host = await startFake(t, { ...WITH_TAP, device: { driver: 'fake', rings: 3 } });
  addNeighbour(TAP, PEER.ip, PEER.mac);
  const socket = await udpSocket(t, 4000);
  socket.on('message', (bytes, { port, address }) => socket.send(bytes, port, address));
  for (const ring of [2, 0, 1]) {
    const sent = async () => (await host.dispatcher.stats()).deviceCounters.rings!.map((r) => r.txPackets);
    const before = await sent();
    for (let i = 0; i < 20; i++) {
      const body = Buffer.from(`${ring}: ${i}`);
      t.true(host.wire.inject(udpPacket(PEER, OWN, { from: 3000 + ring, to: 4000 }, body), ring));
      const answer = await captured(host, isUdp);
      t.deepEqual(answer.subarray(42, 42 + body.length), body);
    }
    const after = await sent();
    t.deepEqual(
      after.map((count, index) => count - before[index]!),
      [0, 1, 2].map((index) => (index === ring ? 20 : 0)),
    );
  }
});

kernelTest(
  title('while the device has no room the kernel keeps its packets, and queues go on'),
  async (t) => {
    const host = await startFake(t, { ...WITH_TAP, memory: { deviceRingSize: 64 } });
    addNeighbour(TAP, PEER.ip, PEER.mac);
    const socket = await udpSocket(t);
    const count = 400;
    for (let i = 0; i < count; i++) await send(socket, Buffer.from([i >>> 8, i & 0xff]));
    await until('the device is full', async () => (await plane(host)).exceptionFromKernel === 64);
    const bystander = await Bystander.attach(t, host);
    await bystander.exchange(128);
    t.is((await plane(host)).exceptionFromKernel, 64);
    const numbers: number[] = [];
    await until('all of them on the wire', () => {
      for (const packet of host.wire.capture())
        if (isUdp(packet)) numbers.push(Buffer.from(packet).readUInt16BE(42));
      return numbers.length >= count;
    });
    t.deepEqual(
      numbers,
      Array.from({ length: count }, (_, i) => i),
    );
    t.is((await plane(host)).exceptionFromKernel, count);
  },
);

kernelTest(
  title('an interface that is down loses packets, says so once, and works when it is up'),
  async (t) => {
    const host = await startFake(t, WITH_TAP);
    const bystander = await Bystander.attach(t, host);
    setLink(TAP, { up: false });
    for (let i = 0; i < 3; i++) t.true(host.wire.inject(arpRequest(PEER, OWN.ip)));
    await until('they are counted', async () => (await plane(host)).exceptionDropped.down === 3);
    await bystander.exchange();
    t.is(host.notes.filter((line) => line.includes(`${TAP} is down`)).length, 1);
    setLink(TAP, { up: true });
    t.true(host.wire.inject(arpRequest(PEER, OWN.ip)));
    await captured(host, (packet) => etherType(packet) === ETHERTYPE_ARP && packet[21] === 2);
  },
);

kernelTest(
  title('an interface that somebody removes is noted and counted, and the traffic goes on'),
  async (t) => {
    const host = await startFake(t, WITH_TAP);
    const bystander = await Bystander.attach(t, host);
    await bystander.exchange();
    deleteLink(TAP);
    await until('it is noted', () => host.notes.some((line) => line.includes(`${TAP} was removed`)));
    for (let i = 0; i < 5; i++) t.true(host.wire.inject(arpRequest(PEER, OWN.ip)));
    await until('they are counted', async () => (await plane(host)).exceptionDropped.gone === 5);
    await bystander.exchange(256);
  },
);

kernelTest(title('what the kernel sends and the device cannot is counted'), async (t) => {
  const host = await startFake(t, WITH_TAP);
  addNeighbour(TAP, PEER.ip, PEER.mac);
  setLink(TAP, { mtu: 1600 });
  const socket = await udpSocket(t);
  await send(socket, Buffer.alloc(1500));
  await until('it is counted', async () => (await plane(host)).exceptionDropped.oversized === 1);
  await send(socket, Buffer.from('short enough'));
  const packet = await captured(host, isUdp);
  t.is(packet.subarray(42, 54).toString(), 'short enough');
});

kernelTest(title('a packet too short for any header is refused by the kernel, and counted'), async (t) => {
  const host = await startFake(t, WITH_TAP);
  t.true(host.wire.inject(new Uint8Array(9)));
  await until('it is counted', async () => (await plane(host)).exceptionDropped.refused === 1);
});

kernelTest(
  title('the interface goes with the dispatcher, and another name and address may be chosen'),
  async (t) => {
    const options = fakeOptions(scratchSocket(t), {
      unmatched: 'tap',
      tap: { name: 'card9', mac: '02:00:00:00:79:99', addresses: ['10.80.0.1/16'], queues: 1 },
    });
    for (let round = 0; round < 2; round++) {
      const dispatcher = await createDispatcher(options);
      t.is(listLinks().find(({ name }) => name === 'card9')?.mac, '02:00:00:00:79:99');
      await dispatcher.close();
      t.deepEqual(
        listLinks().map(({ name }) => name),
        ['lo'],
      );
    }
  },
);

kernelTest(
  title('without unmatched: tap there is no interface, and the device leaves the packets to the kernel'),
  async (t) => {
    const host = await startFake(t);
    t.true(host.wire.inject(arpRequest(PEER, OWN.ip)));
    t.is(host.wire.passed().length, 1);
    t.is((await plane(host)).exceptionToKernel, 0);
    t.is((await host.dispatcher.stats()).device.exceptionInterface, undefined);
    t.throws(() => linkIndex(TAP));
  },
);

kernelTest(title('a name that a second dispatcher has, or any interface: InterfaceTaken'), async (t) => {
  const host = await startFake(t, WITH_TAP);
  const second = (name: string) =>
    createDispatcher(fakeOptions(scratchSocket(t), { unmatched: 'tap', tap: { name } }));
  for (const name of [TAP, 'lo'])
    await t.throwsAsync(second(name), {
      name: 'InterfaceTaken',
      message: new RegExp(`interface ${name} already.*tap\\.name`),
    });
  t.true(host.wire.inject(arpRequest(PEER, OWN.ip)));
  await captured(host, (packet) => etherType(packet) === ETHERTYPE_ARP && packet[21] === 2);
});

kernelTest(title('an address that the kernel refuses: InvalidArgument, and nothing is left'), async (t) => {
  const tap = { addresses: [`${OWN.ip}/24`, `${OWN.ip}/24`] };
  const options = fakeOptions(scratchSocket(t), { unmatched: 'tap', tap });
  await t.throwsAsync(createDispatcher(options), { name: 'InvalidArgument', message: /10\.79\.0\.1\/24/ });
  const ipv6 = fakeOptions(scratchSocket(t), { unmatched: 'tap', tap: { addresses: ['fd00::1/64'] } });
  await t.throwsAsync(createDispatcher(ipv6), { name: 'NotSupported', message: /IPv6 is switched off/ });
  t.throws(() => linkIndex(TAP));
});

const started = (t: ExecutionContext, ...args: string[]): Child =>
  Child.start(t, 'dispatcher', [JSON.stringify(fakeOptions(scratchSocket(t), WITH_TAP)), ...args]);

kernelTest(title('without rights: NotPermitted, with the capability that it needs'), async (t) => {
  const { code, action } = await started(t, 'nobody').next('failed');
  t.is(code, 'NotPermitted');
  t.true(String(action).includes('CAP_NET_ADMIN'));
});

kernelTest(title('without /dev/net/tun: NotSupported, with what brings it'), async (t) => {
  const { code, message } = await started(t, 'without-tun').next('failed');
  t.is(code, 'NotSupported');
  t.regex(String(message), /no \/dev\/net\/tun.*modprobe tun/);
});
