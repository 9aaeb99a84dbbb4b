/* The steps of the ladder that need no privileges, each a process of its own; the others: examples-veth. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readCapture } from '@nicshare/driver';
import test from 'ava';
import { Command } from './support/command.js';
import { environment, exampleFile, startExample } from './support/example.js';
import { PORTS, startFake } from './support/fake-dispatcher.js';
import { numberedPacket } from './support/packets.js';
import { scratchFolder } from './support/scratch.js';
import { Terminal } from './support/terminal.js';
import { until } from './support/until.js';

const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url));
const CAPTURE = join(EXAMPLES, 'captures/demo.pcap');
const ETHERNET_AND_IPV4 = 34;

test.serial('receive counts the packets of a queue, and ends with the dispatcher', async (t) => {
  const host = await startFake(t);
  const receive = await startExample(t, 'receive', ['one'], host.socket);
  t.regex(receive.output, /^attached to one of (..:){5}..\n/);
  for (let i = 0; i < 50; i++) host.wire.inject(numberedPacket(PORTS.one, i, 100));
  await receive.says('50 in all, 5000 bytes');
  await host.dispatcher.close();
  t.is(await receive.ended(), 0, receive.errors);
  t.regex(receive.output, /ended: The dispatcher .*\n$/);
});

test.serial('load-meter says packets and bits a second, a line each', async (t) => {
  const host = await startFake(t);
  const meter = await startExample(t, 'load-meter', ['one'], host.socket);
  await meter.says('\n0 packets/s, 0 bit/s\n');
  for (let i = 0; i < 30; i++) host.wire.inject(numberedPacket(PORTS.one, i, 100));
  await until('30 packets are shown', () => {
    const seconds = [...meter.output.matchAll(/^(\d+) packets\/s, (\d+) bit\/s$/gm)];
    const sum = (part: number): number => seconds.reduce((all, match) => all + Number(match[part]), 0);
    return sum(1) === 30 && sum(2) === 30 * 100 * 8;
  });
  await host.dispatcher.close();
  t.is(await meter.ended(), 0, meter.errors);
});

test.serial('load-meter draws a chart in its place on a terminal', async (t) => {
  const host = await startFake(t);
  const meter = Terminal.start(t, ['one'], environment(host.socket), exampleFile('load-meter'));
  await until('it measures', () => meter.output.includes('measures one'));
  for (let i = 0; i < 30; i++) host.wire.inject(numberedPacket(PORTS.one, i));
  await until('the load is in the chart', () => meter.output.includes('30┤'));
  await until('the chart is drawn anew', () => meter.output.split('\x1b[J').length > 2);
  await host.dispatcher.close();
  t.is(await meter.end(), 0, meter.output);
});

test.serial('replay runs a whole capture through the application, and counts all of it', async (t) => {
  const replay = Command.startProgram(t, [exampleFile('replay'), CAPTURE]);
  t.is(await replay.ended(), 0, replay.errors);
  t.is(replay.output, `400 packets of ${CAPTURE}\n10.77.0.2 -> 10.77.0.1: 400 packets, 170792 bytes\n`);
});

test.serial('replay without a capture, and with one that is not there, is refused', async (t) => {
  const none = Command.startProgram(t, [exampleFile('replay')]);
  t.is(await none.ended(), 1);
  t.is(none.errors, 'usage: replay.js FILE\n');
  const missing = Command.startProgram(t, [exampleFile('replay'), '/nowhere.pcap']);
  t.is(await missing.ended(), 1);
  t.regex(missing.errors, /FileNotFound: There is no file \/nowhere\.pcap/);
});

test.serial('embedded: a dispatcher inside a program', async (t) => {
  const embedded = Command.startProgram(t, [exampleFile('embedded')]);
  t.is(await embedded.ended(), 0, embedded.errors);
  t.is(embedded.output, 'received 1 of 60 bytes\nsent\non the wire: 60 bytes\n');
});

test.serial(
  'echo and ping-responder answer the packets of replay.yaml, and the answers are recorded',
  async (t) => {
    const folder = scratchFolder(t);
    const [socket, record] = [join(folder, 'control.sock'), join(folder, 'sent.pcapng')];
    const config = readFileSync(join(EXAMPLES, 'replay.yaml'), 'utf8')
      .replace('examples/captures/demo.pcap', CAPTURE)
      .replace('sent.pcapng', record);
    writeFileSync(join(folder, 'replay.yaml'), `${config}socket: { path: ${socket} }\n`);
    const dispatcher = Command.start(t, ['dispatcher', '--config', join(folder, 'replay.yaml')]);
    await dispatcher.says('ready');
    const echo = await startExample(t, 'echo', [], socket);
    t.regex(echo.output, /^echoes UDP on echo/);
    const ping = await startExample(t, 'ping-responder', [], socket);
    t.regex(ping.output, /^answers ping on ping/);
    const kinds = new Set<string>();
    await until('answers of both are recorded', () => {
      readCapture(record, ({ bytes }) => kinds.add(`${bytes[23]} ${bytes[ETHERNET_AND_IPV4]}`));
      return kinds.has('1 0') && kinds.has('17 0');
    });
    await dispatcher.end('SIGTERM');
    t.is(await echo.ended(), 0, echo.errors);
    t.is(await ping.ended(), 0, ping.errors);
  },
);
