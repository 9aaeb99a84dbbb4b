import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect } from '@nicshare/client';
import { createDispatcher } from '@nicshare/dispatcher';
import { canCreateNamespaces } from '@nicshare/netlab';
import test from 'ava';
import { Bystander } from './support/bystander.js';
import { Child } from './support/child.js';
import { Command } from './support/command.js';
import { type FakeHost, PORTS, startFake } from './support/fake-dispatcher.js';
import { numberedPacket } from './support/packets.js';
import { Pipeline } from './support/pipeline.js';
import { scratchFolder, scratchSocket } from './support/scratch.js';
import { Terminal } from './support/terminal.js';
import { until } from './support/until.js';
import { CARD_ADDRESS, createLab, onVeth, vethTitle } from './support/veth-lab.js';

/** `nicshare tap`: into files, into tcpdump and tshark while packets flow, and what may go wrong on the way. */

const CAPTURE = fileURLToPath(new URL('../../examples/captures/demo.pcap', import.meta.url));

const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0;
const withTshark = has('tshark') ? test.serial : test.serial.skip;
const withTcpdump = has('tcpdump') ? test.serial : test.serial.skip;
const needs = (program: string, title: string): string =>
  has(program) ? title : `${title} (skipped: there is no ${program})`;

const tapping = (host: FakeHost, count = 1): Promise<void> =>
  until('the tap stands', async () => (await host.dispatcher.stats()).taps.length === count);

const inject = (host: FakeHost, port: number, sequence: number): Promise<void> =>
  until('room in the device', () => host.wire.inject(numberedPacket(port, sequence)));

const FIELDS = ['frame.interface_name', 'frame.packet_flags_direction', 'frame.comment', 'frame.len'];
const tsharkFields = (...source: readonly string[]): string[] => [
  ...['tshark', '-l', ...source, '-T', 'fields'],
  ...FIELDS.flatMap((field) => ['-e', field]),
];

/** Packets of a capture as tshark tells them: interface, direction, comment, length. */
const rows = (text: string): string[][] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split('\t'));

/** Fields of a capture's packets, as tshark tells them. */
const fieldsOf = (file: string, fields: readonly string[]): string[][] => {
  const args = ['-r', file, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])];
  return rows(String(spawnSync('tshark', args).stdout));
};

withTcpdump(
  needs('tcpdump', 'tcpdump shows packets as they come, the header before the first'),
  async (t) => {
    const host = await startFake(t);
    const bystander = await Bystander.attach(t, host);
    const args = ['two', '-s', host.socket];
    const pipeline = new Pipeline(t, args, ['tcpdump', '-l', '-n', '-t', '-r', '-']);
    await tapping(host);
    for (let shown = 1; shown <= 5; shown++) {
      await bystander.exchange(1);
      await until('it is shown', () => pipeline.output.split('\n').length > shown);
    }
    t.regex(pipeline.output, /^IP 0\.0\.0\.0\.0 > 0\.0\.0\.0\.1002: UDP, length 22$/m);
    await pipeline.signal('tap', 'SIGINT');
    t.is(await pipeline.tapEnds(), 0);
    t.is(pipeline.errors, 'nicshare tap: 5 captured, 0 dropped by the tap\n');
    await pipeline.ends();
  },
);

withTshark(needs('tshark', 'tshark shows queue, direction and the reasons of drops'), async (t) => {
  const host = await startFake(t);
  const client = await connect({ socket: host.socket });
  t.teardown(() => client.close());
  const port = await client.attach('one');
  const pipeline = new Pipeline(t, ['--device', '-s', host.socket], tsharkFields('-r', '-'));
  await tapping(host);
  for (let i = 0; i < 66; i++) await inject(host, PORTS.one, i);
  await inject(host, PORTS.two, 1);
  await until('they are counted', async () => (await host.queue('two')).dropNoClient === 1);
  port.send(numberedPacket(9, 3, 100));
  await until('all are captured', async () => (await host.dispatcher.stats()).taps[0]!.captured === 68);
  await pipeline.signal('tap', 'SIGTERM');
  t.is(await pipeline.tapEnds(), 0);
  await pipeline.ends();
  const shown = rows(pipeline.output);
  t.deepEqual(shown[0], ['one', '0x00000001', '', '64']);
  t.deepEqual(shown[63], ['one', '0x00000001', '', '64']);
  t.deepEqual(shown[64], ['one', '0x00000001', 'dropped: ringFull', '64']);
  t.deepEqual(shown[66], ['two', '0x00000001', 'dropped: noClient', '64']);
  t.deepEqual(shown[67], ['one', '0x00000002', '', '100']);
});

withTshark(needs('tshark', 'tshark -i - shows packets as they come'), async (t) => {
  const host = await startFake(t);
  const bystander = await Bystander.attach(t, host);
  const pipeline = new Pipeline(t, ['--device', '-s', host.socket], tsharkFields('-i', '-'));
  await tapping(host);
  for (let shown = 1; shown <= 3; shown++) {
    await bystander.exchange(1);
    await until('it is shown', () => rows(pipeline.output).length === shown);
  }
  t.deepEqual(rows(pipeline.output)[2], ['two', '0x00000001', '', '64']);
  await pipeline.signal('tap', 'SIGINT');
  t.is(await pipeline.tapEnds(), 0);
});

withTshark(needs('tshark', 'what no queue takes stands at the interface of the device'), async (t) => {
  const dispatcher = await createDispatcher({
    socket: { path: scratchSocket(t) },
    device: { driver: 'pcap', file: CAPTURE, rate: 2000, loop: true },
    queues: [{ name: 'echo', match: { protocol: 'udp', destinationPort: 7 } }],
    unmatched: 'drop',
  });
  t.teardown(() => dispatcher.close());
  const file = join(scratchFolder(t), 'tap.pcapng');
  const args = ['--device', '-s', dispatcher.socketPath, '-c', '400', '-w', file];
  t.is((await Command.run(t, ['tap', ...args])).status, 0);
  const shown = fieldsOf(file, FIELDS);
  t.is(shown.length, 400);
  t.deepEqual([...new Set(shown.map(([name, , comment]) => `${name}: ${comment}`))].sort(), [
    'echo: dropped: noClient',
    'pcap: dropped: unmatched',
  ]);
});

withTshark(
  needs('tshark', 'a file holds nanoseconds, whole lengths and the statistics of its end'),
  async (t) => {
    const host = await startFake(t);
    const bystander = await Bystander.attach(t, host);
    const file = join(scratchFolder(t), 'tap.pcapng');
    const command = Command.start(t, [
      'tap',
      'two',
      '-s',
      host.socket,
      '--snaplen',
      '50',
      '-c',
      '3',
      '-w',
      file,
    ]);
    await tapping(host);
    const before = Date.now();
    await bystander.exchange(8);
    await command.end('SIGCONT');
    t.is(command.status, 0);
    t.is(command.errors, 'nicshare tap: 3 captured, 0 dropped by the tap\n');
    t.is(statSync(file).mode & 0o777, 0o600);
    const fields = ['frame.len', 'frame.cap_len', 'frame.time_epoch', 'frame.interface_queue'];
    const shown = fieldsOf(file, fields);
    for (const [length, captured, time] of shown) {
      t.deepEqual([length, captured], ['64', '50']);
      t.true(Math.abs(Number(time) * 1000 - before) < 60_000);
      t.regex(time!, /\.\d{9}$/);
    }
    t.is(shown.length, 3);
    const counts = statistics(readFileSync(file));
    t.deepEqual(counts, [{ received: 3, dropped: 0, delivered: 3 }]);
  },
);

/** Reads the Interface Statistics Blocks of a capture (draft-ietf-opsawg-pcapng, 4.6). */
function statistics(capture: Buffer): object[] {
  const found: object[] = [];
  for (let at = 0; at < capture.length; at += capture.readUInt32LE(at + 4)) {
    if (capture.readUInt32LE(at) !== 5) continue;
    const option = (index: number): number => Number(capture.readBigUInt64LE(at + 20 + index * 12 + 4));
    found.push({ received: option(0), dropped: option(1), delivered: option(2) });
  }
  return found;
}

onVeth(
  vethTitle('a tap of a real interface shows both directions of what the kernel at the far end exchanges'),
  async (t) => {
    const lab = await createLab(t);
    const queues = '  - { name: echo, match: { protocol: udp, destinationPort: 7 } }\n';
    const dispatcher = Command.start(t, ['dispatcher', '--config', lab.configure(queues)], lab.card);
    await dispatcher.says('ready');
    await Child.start(t, 'responder', [lab.socket, 'echo', 'answer']).next('attached');
    const file = join(scratchFolder(t), 'tap.pcapng');
    const tap = Command.start(t, ['tap', '--device', '-s', lab.socket, '-c', '40', '-w', file]);
    await dispatcher.says('attached: tap of the device');
    lab.peer.tell('udp', { address: CARD_ADDRESS, port: 7, count: 20 });
    t.is((await lab.peer.next('udp')).answered, 20);
    await tap.end('SIGCONT');
    t.is(tap.errors, 'nicshare tap: 40 captured, 0 dropped by the tap\n');
    const fields = [
      'frame.interface_name',
      'frame.packet_flags_direction',
      'ip.src',
      'udp.srcport',
      'frame.comment',
    ];
    const shown = fieldsOf(file, fields);
    const received = ['echo', '0x00000001', '10.78.0.2'];
    t.deepEqual(shown.map(([name, direction, source]) => [name, direction, source]).sort(), [
      ...Array(20).fill(received),
      ...Array(20).fill(['echo', '0x00000002', CARD_ADDRESS]),
    ]);
    for (const [, direction, , port, comment] of shown) {
      t.is(comment, '');
      if (direction === '0x00000002') t.is(port, '7');
    }
  },
);

test.serial(
  'a reader that stops reading: the client gets all packets, what the tap lost is counted',
  async (t) => {
    const host = await startFake(t);
    const bystander = await Bystander.attach(t, host);
    const pipeline = new Pipeline(t, ['two', '-s', host.socket], ['sleep', '3600']);
    await pipeline.signal('reader', 'SIGSTOP');
    await tapping(host);
    const count = 100_000;
    await bystander.exchange(count);
    t.is((await host.queue('two')).totals.rxPackets, count);
    await pipeline.signal('tap', 'SIGINT');
    t.is(await pipeline.tapEnds(), 0);
    const [, captured, dropped] = /^nicshare tap: (\d+) captured, (\d+) dropped/m.exec(pipeline.errors)!;
    t.true(Number(captured) > 0);
    // What stood in the ring when it was stopped went to nobody.
    t.true(Number(dropped) > 50_000);
    t.true(Number(captured) + Number(dropped) <= count);
    t.regex(pipeline.errors, /because the output is too slow/);
    await bystander.exchange(64);
  },
);

test.serial('a reader that goes ends the tap quietly, also when no packet comes', async (t) => {
  const host = await startFake(t);
  const pipeline = new Pipeline(t, ['--device', '-s', host.socket], ['sleep', '3600']);
  await tapping(host);
  await pipeline.signal('reader', 'SIGKILL');
  t.is(await pipeline.tapEnds(), 0);
  t.regex(pipeline.errors, /^nicshare tap: 0 captured, 0 dropped by the tap$/m);
  t.notRegex(pipeline.errors, /^nicshare: /m);
  await tapping(host, 0);
});

withTcpdump(needs('tcpdump', 'a reader that has enough ends the tap though packets come'), async (t) => {
  const host = await startFake(t);
  const bystander = await Bystander.attach(t, host);
  const pipeline = new Pipeline(t, ['two', '-s', host.socket], ['tcpdump', '-n', '-c', '10', '-r', '-']);
  await tapping(host);
  await until('the tap has ended', async () => {
    await bystander.exchange(16);
    return pipeline.status !== undefined;
  });
  t.is(await pipeline.tapEnds(), 0);
  t.regex(pipeline.errors, /^nicshare tap: \d+ captured, \d+ dropped by the tap.*\n$/);
  t.is(pipeline.output.split('\n').length - 1, 10);
});

/** Who may make namespaces may mount, too. */
const canMount = canCreateNamespaces() === true;
(canMount ? test.serial : test.serial.skip)(
  `a disk that fills up: a message, status 1, and a whole capture${canMount ? '' : ' (skipped: only root may mount)'}`,
  async (t) => {
    const host = await startFake(t);
    const bystander = await Bystander.attach(t, host);
    const disk = join(scratchFolder(t), 'disk');
    mkdirSync(disk);
    t.is(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]).status, 0);
    t.teardown(() => spawnSync('umount', [disk]));
    const file = join(disk, 'tap.pcapng');
    const command = Command.start(t, ['tap', 'two', '-s', host.socket, '-w', file]);
    await tapping(host);
    await until('it ends', async () => {
      await bystander.exchange(64);
      return command.status !== null;
    });
    t.is(command.status, 1);
    t.regex(command.errors, /^nicshare tap: \d+ captured/);
    t.regex(command.errors, /^nicshare: OutputFailed: .*tap\.pcapng.*ENOSPC.*whole packet/m);
    const capture = readFileSync(file);
    let at = 0;
    while (at < capture.length) at += capture.readUInt32LE(at + 4);
    t.is(at, capture.length);
    t.true(capture.length > 1000);
    await bystander.exchange(64);
  },
);

for (const [where, more] of [
  ['the dispatcher', ''],
  ['the reader', ' or ip6 protochain 17'],
] as const)
  withTcpdump(needs('tcpdump', `a filter in ${where} takes what tcpdump would take`), async (t) => {
    const host = await startFake(t);
    const folder = scratchFolder(t);
    const [all, some] = [join(folder, 'all'), join(folder, 'some')];
    const expression = `udp dst port 1002 or greater 100${more}`;
    Command.start(t, ['tap', '--device', '-s', host.socket, '-w', all, '-c', '60']);
    const filtered = Command.start(t, ['tap', '--device', '-s', host.socket, '-w', some, '-f', expression]);
    await tapping(host, 2);
    for (let i = 0; i < 20; i++)
      for (const port of Object.values(PORTS))
        await until('room', () => host.wire.inject(numberedPacket(port, i, i % 5 === 0 ? 120 : 60)));
    await until('all are taken', () => countOf(packetsOf(all)) === 60);
    const wanted = packetsOf(all, expression);
    t.is(countOf(wanted), 28);
    await until('all are filtered', () => packetsOf(some).length >= wanted.length);
    const { taps } = await host.dispatcher.stats();
    t.is(taps.find(({ pid }) => pid === filtered.process.pid)!.captured, more === '' ? 28 : 60);
    await filtered.end('SIGINT');
    t.deepEqual(packetsOf(some), wanted);
  });

const countOf = (lines: readonly string[]): number => lines.filter((line) => /^\S/.test(line)).length;

/** Lines of tcpdump without times: one of words for each packet, and its bytes. */
const packetsOf = (file: string, expression = ''): string[] =>
  String(spawnSync('tcpdump', ['-t', '-n', '-xx', '-r', file, expression]).stdout)
    .split('\n')
    .filter((line) => line !== '');

const REFUSED: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['an unknown queue', ['four', '-w', 'FILE'], /NoSuchQueue: .*one, two, three/],
  ['neither queue nor device', ['-w', 'FILE'], /InvalidArgument: What to tap is not named/],
  ['both', ['one', '--device', '-w', 'FILE'], /InvalidArgument: Both/],
  [
    'a filter that is none',
    ['one', '-f', 'udp prot 53', '-w', 'FILE'],
    /FilterInvalid: .*'udp prot 53'.*pcap-filter/,
  ],
  ['a filter that asks a socket', ['one', '-f', 'outbound', '-w', 'FILE'], /FilterInvalid: .*direction/],
  ['a snaplen that is none', ['one', '--snaplen', '5', '-w', 'FILE'], /whole number from 14 to 65535/],
  ['no count', ['one', '-c', '0', '-w', 'FILE'], /whole number from 1/],
  ['a folder that is not there', ['one', '-w', '/none/file'], /FileNotFound: /],
  ['a folder as a file', ['one', '-w', '/tmp'], /InvalidArgument: /],
  ['no output', ['one'], /-w, --write/],
];

for (const [what, args, said] of REFUSED)
  test.serial(`tap with ${what} is refused, status 1, and nothing is left`, async (t) => {
    const host = await startFake(t);
    const file = join(scratchFolder(t), 'out');
    const named = args.map((argument) => (argument === 'FILE' ? file : argument));
    const { status, errors } = await Command.run(t, ['tap', '-s', host.socket, ...named]);
    t.is(status, 1);
    t.regex(errors, said);
    t.is(statSync(file, { throwIfNoEntry: false }), undefined);
    await tapping(host, 0);
  });

test.serial('tap writes to no terminal', async (t) => {
  const host = await startFake(t);
  const terminal = Terminal.start(t, ['tap', 'one', '-s', host.socket, '-w', '-']);
  t.is(await terminal.end(), 1);
  await until('it says why', () => /InvalidArgument.*not written to a terminal/.test(terminal.output));
});

test.serial('tap without a dispatcher, and one that ends meanwhile: typed errors, status 1', async (t) => {
  const none = await Command.run(t, ['tap', 'one', '-s', scratchSocket(t), '-w', '/dev/null']);
  t.is(none.status, 1);
  t.regex(none.errors, /^nicshare: DispatcherNotRunning: /);
  const host = await startFake(t);
  const bystander = await Bystander.attach(t, host);
  const file = join(scratchFolder(t), 'out');
  const command = Command.start(t, ['tap', 'two', '-s', host.socket, '-w', file]);
  await until('it has begun', () => (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 0);
  await bystander.exchange(10);
  await host.dispatcher.close();
  await command.end('SIGCONT');
  t.is(command.status, 1);
  t.regex(command.errors, /^nicshare tap: 10 captured, 0 dropped by the tap\nnicshare: DispatcherStopped: /);
  t.deepEqual(statistics(readFileSync(file)), [{ received: 10, dropped: 0, delivered: 10 }]);
});
