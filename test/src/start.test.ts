import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canCreateNamespaces } from '@nicshare/netlab';
import test, { type ExecutionContext } from 'ava';
import { NOBODY } from './support/nobody.js';
import { scratchFolder } from './support/scratch.js';
import { unreadableToOthers } from './support/unreadable.js';
import { until } from './support/until.js';

const MAIN = fileURLToPath(new URL('../../examples/dist/start/main.js', import.meta.url));
const QUEUES = ['ping', 'echo', 'rest', 'all'];

const isRoot = process.getuid?.() === 0;
const namespaces = canCreateNamespaces();
const onVeth = namespaces === true ? test.serial : test.serial.skip;
const skippedVeth = namespaces === true ? '' : ` (skipped: ${namespaces})`;
const others = isRoot ? unreadableToOthers(MAIN) : undefined;
const unprivileged = others === undefined ? test.serial : test.serial.skip;
/** Undefined: the user of this test has no privileges. */
const unprivilegedUser = isRoot ? NOBODY : undefined;
const skippedOthers = others === undefined ? '' : ` (skipped: ${others} can be read by its owner alone)`;

interface Demo {
  readonly child: ChildProcess;
  /** Where it makes its temporary files; all its processes know the name, and are found by it. */
  readonly folder: string;
  output: string;
  readonly status: Promise<number | null>;
}

/** Runs the demo in a process group of its own, as a terminal would. */
function start(t: ExecutionContext, seconds: number, user?: number): Demo {
  const folder = scratchFolder(t);
  if (user !== undefined) chownSync(folder, user, user);
  const child = spawn(process.execPath, [MAIN, '--seconds', String(seconds)], {
    cwd: '/',
    env: { PATH: process.env.PATH, TMPDIR: folder },
    detached: true,
    ...(user === undefined ? {} : { uid: user, gid: user }),
  });
  const status = new Promise<number | null>((resolve) => child.once('close', resolve));
  const demo: Demo = { child, folder, output: '', status };
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding('utf8').on('data', (text: string) => {
      demo.output += text;
    });
  return demo;
}

const tableShown = ({ output }: Demo): boolean => output.includes('wake-ups');

/** Command lines of processes that the demo has started and that still run. */
function processesOf({ folder }: Demo): string[] {
  const read = (pid: string, file: string): string => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'utf8').replaceAll('\0', ' ');
    } catch {
      return ''; // it ended just now, or is another user's
    }
  };
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids
    .filter((pid) => read(pid, 'environ').includes(`TMPDIR=${folder} `))
    .map((pid) => `${pid} ${read(pid, 'cmdline')}`);
}

function nothingIsLeft(t: ExecutionContext, demo: Demo): void {
  t.deepEqual(processesOf(demo), []);
  t.deepEqual(readdirSync(demo.folder), []);
}

/** Each line of the summary: sent, answered, counted, dropped, missing. */
function summaryOf({ output }: Demo): Map<string, number[]> {
  const lines = output.slice(output.indexOf('Summary\n')).split('\n');
  const rows = lines.map((line) => line.trim().split(/ +/)).filter(([name]) => QUEUES.includes(name!));
  return new Map(rows.map(([name, ...numbers]) => [name!, numbers.map(Number)]));
}

function addsUp(t: ExecutionContext, demo: Demo): void {
  const summary = summaryOf(demo);
  t.deepEqual([...summary.keys()], QUEUES, demo.output);
  for (const [queue, [sent, answered, counted, dropped, missing]] of summary) {
    t.true(sent! > 0, `${queue} was sent something`);
    t.true(answered! + counted! > 0, `${queue} was served`);
    t.is(sent, answered! + counted! + dropped! + missing!, queue);
  }
  t.true(demo.output.includes('It adds up'), demo.output);
}

onVeth(`npm start shows the whole way on a veth pair and leaves nothing behind${skippedVeth}`, async (t) => {
  const demo = start(t, 2);
  await until('the table', () => tableShown(demo));
  t.true(processesOf(demo).some((line) => line.includes('dispatcher --config')));
  t.is(await demo.status, 0, demo.output);
  t.regex(demo.output, /by af_xdp/);
  addsUp(t, demo);
  nothingIsLeft(t, demo);
});

unprivileged(
  `without root it replays a capture, says why, and checks what is recorded${skippedOthers}`,
  async (t) => {
    const demo = start(t, 2, unprivilegedUser);
    await until('the table', () => tableShown(demo));
    const [folder] = readdirSync(demo.folder);
    t.true(statSync(join(demo.folder, folder!, 'sent.pcapng')).size > 10_000);
    t.is(await demo.status, 0, demo.output);
    t.regex(demo.output, /need root: a capture of one is replayed/);
    t.regex(demo.output, /^queue +replayed +answered +counted +dropped +missing$/m);
    addsUp(t, demo);
    nothingIsLeft(t, demo);
  },
);

/** The demo as it runs for the user of this test and, where that is root, for one without privileges too. */
const asEveryUser = [
  { register: test.serial, who: '', user: undefined },
  { register: unprivileged, who: ` (without root)${skippedOthers}`, user: unprivilegedUser },
];

for (const { register, who, user } of asEveryUser) {
  register(`Ctrl-C, even twice, brings the same summary and leaves nothing behind${who}`, async (t) => {
    const demo = start(t, 600, user);
    await until('the table', () => tableShown(demo));
    process.kill(-demo.child.pid!, 'SIGINT');
    process.kill(-demo.child.pid!, 'SIGINT');
    t.is(await demo.status, 0, demo.output);
    addsUp(t, demo);
    nothingIsLeft(t, demo);
  });

  register(`nothing is left after kill -9${who}`, async (t) => {
    const demo = start(t, 600, user);
    await until('the table', () => tableShown(demo));
    t.true(processesOf(demo).length > 3);
    demo.child.kill('SIGKILL');
    await until('the end of all processes', () => processesOf(demo).length === 0);
    t.deepEqual(readdirSync(demo.folder), []);
  });
}

test.serial('a client that dies ends the demo with a sentence and status 1', async (t) => {
  const demo = start(t, 600);
  await until('the table', () => tableShown(demo));
  const client = processesOf(demo).find((line) => line.includes('/echo.js'))!;
  process.kill(Number.parseInt(client, 10), 'SIGKILL');
  t.is(await demo.status, 1);
  t.regex(demo.output, /The client of echo ended by SIGKILL\./);
  nothingIsLeft(t, demo);
});

test.serial('a time that is none is refused', async (t) => {
  const demo = start(t, Number.NaN);
  t.is(await demo.status, 1);
  t.regex(demo.output, /--seconds NaN: it takes a number/);
  nothingIsLeft(t, demo);
});
