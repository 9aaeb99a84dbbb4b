/* Mode `shared` on a real interface: unprivileged clients read what the kernel has received into AF_XDP's memory. */
import { constants } from 'node:os';
import type { DispatcherStats } from '@nicshare/dispatcher';
import { layout, windowBytes } from '@nicshare/shm';
import type { ExecutionContext } from 'ava';
import { Child } from './support/child.js';
import { Command } from './support/command.js';
import { NOBODY } from './support/nobody.js';
import { RawSession } from './support/raw-session.js';
import { until } from './support/until.js';
import { CARD_ADDRESS as address, createLab, onVeth, type VethLab, vethTitle } from './support/veth-lab.js';

const CREDIT = 64;
const QUEUES = `
  - { name: icmp, mode: shared, credit: ${CREDIT}, match: { protocol: icmp } }
  - { name: echo, mode: shared, credit: ${CREDIT}, match: { protocol: udp, destinationPort: 7 } }
  - { name: rest, mode: shared, credit: ${CREDIT}, match: { protocol: udp }, priority: 1000 }
`;
const FRAME_SIZE = 2048;
/** RX frames of each ring, by the defaults of a configuration. */
const ALL = 2 * 4096 + 3 * CREDIT;
/** Where the kernel puts a packet in its frame (XDP_PACKET_HEADROOM, linux/bpf.h). */
const HEADROOM = 256;

const stats = async (t: ExecutionContext, lab: VethLab): Promise<DispatcherStats> =>
  JSON.parse((await Command.run(t, ['queues', '--json', '--socket', lab.socket])).output) as DispatcherStats;

async function dispatch(t: ExecutionContext, lab: VethLab): Promise<void> {
  const command = Command.start(t, ['dispatcher', '--config', lab.configure(QUEUES)], lab.card);
  await command.says('ready');
}

async function answerer(t: ExecutionContext, lab: VethLab, queue: string): Promise<Child> {
  const child = Child.start(t, 'responder', [lab.socket, queue, 'answer']);
  t.is((await child.next('attached')).uid, NOBODY);
  return child;
}

async function ask(peer: Child, event: string, fields: object): Promise<unknown> {
  peer.tell(event, { address, ...fields });
  return (await peer.next(event)).answered;
}

async function scatter({ peer }: VethLab, count: number): Promise<void> {
  peer.tell('scatter', { address, port: 2000, count });
  await peer.next('scattered');
}

const allFramesBack = (t: ExecutionContext, lab: VethLab): Promise<void> =>
  until('all frames are with the device', async () => {
    const { deviceCounters, ledgerErrors } = await stats(t, lab);
    t.is(ledgerErrors, 0);
    return deviceCounters.rings!.every(({ rxFree }) => rxFree === ALL);
  });

onVeth(
  vethTitle('shared clients answer every packet while another stalls, and its death gives its frames back'),
  async (t) => {
    const lab = await createLab(t);
    await dispatch(t, lab);
    const answerers = [await answerer(t, lab, 'icmp'), await answerer(t, lab, 'echo')];
    const stalled = Child.start(t, 'client', [lab.socket, 'rest', '2000', 'nobody']);
    await stalled.next('attached');
    const count = 1000;
    await scatter(lab, count);
    await until('the stalled client has lost', async () => {
      const { rxPackets, rxDropNoCredit } = (await stats(t, lab)).queues[2]!.totals;
      return rxPackets === CREDIT && rxDropNoCredit === count - CREDIT;
    });
    t.is(await ask(lab.peer, 'ping', { count }), count);
    t.is(await ask(lab.peer, 'udp', { port: 7, count }), count);
    const { queues, deviceCounters } = await stats(t, lab);
    t.deepEqual(
      queues.map(({ mode, totals }) => [mode, totals.rxPackets, totals.rxDropNoCredit]),
      [
        ['shared', count, 0],
        ['shared', count, 0],
        ['shared', CREDIT, count - CREDIT],
      ],
    );
    t.is(deviceCounters.rxDropped.rx_fill_ring_empty, 0);
    await stalled.kill('SIGKILL');
    await allFramesBack(t, lab);
    for (const each of answerers) {
      each.tell('enough');
      t.is((await each.next('ended')).count, count);
    }
    await allFramesBack(t, lab);
  },
);

onVeth(
  vethTitle("a shared client's packets lie in the kernel's frames, which it cannot write to"),
  async (t) => {
    const lab = await createLab(t);
    await dispatch(t, lab);
    const session = await RawSession.attach(lab.socket, 'rest');
    await scatter(lab, 20);
    await until('twenty packets', () => session.read(layout.RX_PRODUCER) === 20);
    const offsets = Array.from({ length: 20 }, (_, i) =>
      session.read(session.shape.rxDescriptors + i * layout.DESCRIPTOR_SIZE),
    );
    t.is(new Set(offsets.map((offset) => Math.floor(offset / FRAME_SIZE))).size, 20);
    for (const offset of offsets) {
      t.is(offset % FRAME_SIZE, HEADROOM, 'it lies where the kernel has put it');
      t.true(offset < windowBytes(session.grant.regions));
      const packet = Buffer.from(session.arena.memory.buffer, session.window + offset, 42);
      t.is(packet.readUInt16BE(12), 0x0800);
      t.is(packet[23], 17);
    }
    session.close();
    await allFramesBack(t, lab);

    const prober = Child.start(t, 'memory-prober', [lab.socket, 'rest']);
    const { device } = (await prober.next('probed')) as unknown as Record<string, Record<string, number>>;
    t.is(Object.keys(device!).length, 9);
    for (const [attempt, answer] of Object.entries(device!)) t.not(answer, 0, attempt);
    for (const attempt of ['mprotect writable', 'mmap writable', 'reopen by /proc/self/fd'])
      t.is(device![attempt], constants.errno.EACCES, attempt);
    await prober.exit();
    const writer = Child.start(t, 'memory-prober', [lab.socket, 'rest', 'device']);
    await writer.next('writing');
    t.is(await writer.exit(), 'SIGSEGV');
    await allFramesBack(t, lab);
  },
);
