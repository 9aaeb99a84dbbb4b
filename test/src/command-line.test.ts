import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DispatcherStats } from '@nicshare/dispatcher';
import test, { type ExecutionContext } from 'ava';
import { Bystander } from './support/bystander.js';
import { Command } from './support/command.js';
import { startFake } from './support/fake-dispatcher.js';
import { scratchFolder, scratchSocket } from './support/scratch.js';

function configFile(t: ExecutionContext, text: string): string {
  const file = join(scratchFolder(t), 'nicshare.yaml');
  writeFileSync(file, text);
  return file;
}

test.serial('--help teaches: what it is, a whole configuration, and what an application does', async (t) => {
  const { output, status } = await Command.run(t, ['--help']);
  t.is(status, 0);
  for (const word of ['dispatcher', 'queues', 'socket:', 'device:', 'queues:', 'client.attach'])
    t.true(output.includes(word), word);
});

test.serial('the configuration that --help shows is valid', async (t) => {
  const { output } = await Command.run(t, ['dispatcher', '--help']);
  const lines = output.split('\n');
  const start = lines.findIndex((line) => line.startsWith('  socket:'));
  const end = lines.findIndex((line) => line.startsWith('  unmatched:'));
  t.true(start > 0 && end > start);
  const checked = await Command.run(t, [
    'dispatcher',
    '--check',
    '--config',
    configFile(
      t,
      lines
        .slice(start, end + 1)
        .map((line) => line.slice(2))
        .join('\n'),
    ),
  ]);
  t.is(checked.errors, '');
  t.is(checked.status, 0);
});

test.serial('queues --json shows who is attached', async (t) => {
  const host = await startFake(t);
  const bystander = await Bystander.attach(t, host);
  await bystander.exchange(32);
  const { output, status } = await Command.run(t, ['queues', '--json', '--socket', host.socket]);
  t.is(status, 0);
  const { queues, refusals } = JSON.parse(output) as DispatcherStats;
  t.deepEqual(
    queues.map(({ name, client }) => [name, client?.pid]),
    [
      ['one', undefined],
      ['two', process.pid],
      ['three', undefined],
    ],
  );
  t.is(queues[1]!.totals.rxPackets, 32);
  t.deepEqual(refusals, {});
});

test.serial('queues prints a table', async (t) => {
  const host = await startFake(t);
  await Bystander.attach(t, host);
  const { output, status } = await Command.run(t, ['queues', '--interval', '0.1', '--socket', host.socket]);
  t.is(status, 0);
  t.regex(output, /queue +mode +client +rx packets\/s/);
  t.regex(output, new RegExp(`two +isolated +pid ${process.pid}, user .* 0/128 `));
});

test.serial('queues without a dispatcher: DispatcherNotRunning, status 1', async (t) => {
  const { errors, status } = await Command.run(t, ['queues', '--socket', scratchSocket(t)]);
  t.is(status, 1);
  t.regex(errors, /^nicshare: DispatcherNotRunning: .*nicshare dispatcher --config/);
});

/** A broken configuration, and what is said of it: the line and the mend. */
const BROKEN: readonly (readonly [string, string, RegExp])[] = [
  [
    'an unknown field',
    'device: { driver: fake }\nqueues:\n  - name: a\n    mach: any\n    match: any\n',
    /line 4: .*'mach'.*mend its name/,
  ],
  [
    'a wrong value',
    'device: { driver: fake }\nqueues:\n  - name: a\n    match: { protocol: upd }\n',
    /line 4: .*one of icmp, tcp, udp/,
  ],
  [
    'a driver that does not exist',
    'device: { driver: dpdk }\nqueues: [{ name: a, match: any }]\n',
    /line 1: .*af_xdp, e1000e, fake, igb, null, pcap or virtio-net/,
  ],
  ['no queue', 'device: { driver: fake }\nqueues: []\n', /line 2: /],
  [
    'a name twice',
    'device: { driver: fake }\nqueues:\n  - { name: a, match: any }\n  - { name: a, match: any }\n',
    /line 4: .*another name/,
  ],
  ['broken YAML', 'device: { driver: fake\nqueues: []\n', /line \d/],
  ['an empty file', '', /line 1/],
];

for (const [what, text, said] of BROKEN)
  test.serial(`a configuration with ${what}: line and mend, status 1`, async (t) => {
    const { errors, output, status } = await Command.run(t, ['dispatcher', '--config', configFile(t, text)]);
    t.is(status, 1);
    t.regex(errors, /^nicshare: ConfigInvalid: /);
    t.regex(errors, said);
    t.false(output.includes('ready'));
  });

test.serial('a configuration that is not there: ConfigInvalid, status 1', async (t) => {
  const { errors, status } = await Command.run(t, [
    'dispatcher',
    '--config',
    join(scratchFolder(t), 'none.yaml'),
  ]);
  t.is(status, 1);
  t.regex(errors, /^nicshare: ConfigInvalid: .*cannot be read/);
});

for (const signal of ['SIGTERM', 'SIGINT'] as const)
  test.serial(`a dispatcher ends on ${signal} with status 0, and says so`, async (t) => {
    const socket = scratchSocket(t);
    const config = `socket: { path: ${socket}, mode: '0666' }\ndevice: { driver: fake }\nqueues: [{ name: one, match: any }]\n`;
    const dispatcher = Command.start(t, ['dispatcher', '--config', configFile(t, config)]);
    await dispatcher.says('ready: 1 queue at');
    await dispatcher.end(signal);
    t.is(dispatcher.status, 0);
    t.regex(dispatcher.output, /stopped\n$/);
  });
