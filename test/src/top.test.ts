import type { ClientStats } from '@nicshare/dispatcher';
import test from 'ava';
import { Bystander } from './support/bystander.js';
import { Command } from './support/command.js';
import { type FakeHost, startFake } from './support/fake-dispatcher.js';
import { scratchSocket } from './support/scratch.js';
import { Terminal } from './support/terminal.js';
import { until } from './support/until.js';

const top = (host: FakeHost, ...more: string[]): string[] => [
  'top',
  '--interval',
  '0.2',
  '--socket',
  host.socket,
  ...more,
];

/** What these tests read of a line of `--json`. */
interface Line {
  readonly dispatcher: { readonly pid: number; readonly processor: number | null };
  readonly device: { readonly rings: readonly { readonly rxPackets: number }[] };
  readonly queues: readonly {
    readonly name: string;
    readonly rxPackets: number;
    readonly drops: Readonly<Record<string, number>>;
    readonly client: Pick<ClientStats, 'pid' | 'frames'> | null;
  }[];
}

const linesOf = (text: string): Line[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);

test.serial('top --json prints a line an interval, in which the traffic shows', async (t) => {
  const host = await startFake(t);
  const bystander = await Bystander.attach(t, host);
  const command = Command.start(t, top(host, '--json'));
  await until('traffic shows', async () => {
    await bystander.exchange(16);
    return linesOf(command.output).some(({ queues }) => queues[1]!.rxPackets > 0);
  });
  await command.end('SIGINT');
  t.is(command.status, 0);
  t.is(command.errors, '');
  const { dispatcher, device, queues } = linesOf(command.output).find(
    (line) => line.queues[1]!.rxPackets > 0,
  )!;
  t.is(dispatcher.pid, process.pid);
  t.true(dispatcher.processor! >= 0);
  t.true(device.rings[0]!.rxPackets > 0);
  t.deepEqual(
    queues.map(({ name, client }) => [name, client?.pid]),
    [
      ['one', undefined],
      ['two', process.pid],
      ['three', undefined],
    ],
  );
  const { total, free, inRing, client } = queues[1]!.client!.frames;
  t.is(free + inRing + client, total);
});

test.serial('top into a pipe prints tables one after the other', async (t) => {
  const host = await startFake(t);
  await Bystander.attach(t, host);
  const command = Command.start(t, top(host));
  await until('two tables', () => command.output.split('no drops').length > 2);
  await command.end('SIGTERM');
  t.is(command.status, 0);
  t.regex(command.output, /^ring +rx packets\/s/m);
  t.regex(
    command.output,
    new RegExp(`^${process.pid} +two +${process.getuid!()} \\(trusted\\) +\\d+ % `, 'm'),
  );
  t.false(command.output.includes('\x1b'));
});

for (const [name, keys] of [
  ['q', 'q'],
  ['Ctrl-C', '\x03'],
] as const)
  test.serial(
    `top on a terminal takes another screen; ${name} ends it and gives the old one back`,
    async (t) => {
      const host = await startFake(t);
      const terminal = Terminal.start(t, top(host));
      await until('it draws', () => terminal.output.includes('q ends'));
      terminal.type(keys);
      t.is(await terminal.end(), 0);
      t.true(terminal.output.startsWith('\x1b[?1049h'));
      await until('the screen is given back', () => terminal.output.endsWith('\x1b[?1049l'));
      t.regex(terminal.output, /three/);
    },
  );

test.serial('top ends where nobody reads it any more', async (t) => {
  const host = await startFake(t);
  const command = Command.start(t, top(host, '--json'));
  await until('it prints', () => command.output !== '');
  command.process.stdout!.destroy();
  await command.end('SIGCONT');
  t.is(command.status, 0);
});

test.serial('top without a dispatcher, and one that ends meanwhile: typed errors, status 1', async (t) => {
  const none = await Command.run(t, ['top', '--socket', scratchSocket(t)]);
  t.is(none.status, 1);
  t.regex(none.errors, /^nicshare: DispatcherNotRunning: /);
  const host = await startFake(t);
  const command = Command.start(t, top(host, '--json'));
  await until('it prints', () => command.output !== '');
  await host.dispatcher.close();
  await command.end('SIGCONT');
  t.is(command.status, 1);
  t.regex(command.errors, /^nicshare: Dispatcher(Stopped|NotRunning): /);
});
