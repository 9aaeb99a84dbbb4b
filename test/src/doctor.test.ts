import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Command, PROGRAM } from './support/command.js';
import { scratchFolder } from './support/scratch.js';
import { CARD, createLab, onVeth, type VethLab, vethTitle } from './support/veth-lab.js';

interface Finding {
  readonly level: string;
  readonly subject: string;
  readonly what: string;
  readonly mend?: string;
}

const QUEUES = '  - { name: rest, match: { protocol: udp } }\n';

async function doctor(
  t: ExecutionContext,
  lab: VethLab,
  config: string,
): Promise<{ status: number | null; failed: Finding[]; about(subject: string): Finding[] }> {
  const run = await Command.run(t, ['doctor', '--json', '--config', config], lab.card);
  const { ok, findings } = JSON.parse(run.output) as { ok: boolean; findings: Finding[] };
  t.is(ok, run.status === 0);
  return {
    status: run.status,
    failed: findings.filter(({ level }) => level === 'fail'),
    about: (subject) => findings.filter((finding) => finding.subject === subject),
  };
}

test.serial('doctor prints one line a finding, status 0 where nothing fails', async (t) => {
  const folder = scratchFolder(t);
  const config = join(folder, 'nicshare.yaml');
  writeFileSync(
    config,
    `socket: { path: ${folder}/s }\ndevice: { driver: fake }\nqueues: [{ name: a, match: any }]\n`,
  );
  const { output, errors, status } = await Command.run(t, ['doctor', '--config', config]);
  t.is(errors, '');
  t.is(status, 0, output);
  for (const line of output.trimEnd().split('\n')) t.regex(line, /^(ok {2}|warn) {2}\S.*: \S/);
  t.regex(output, /^ok {4}koffi: /m);
});

test.serial('doctor says a wrong configuration and an unknown interface, status 1', async (t) => {
  const config = join(scratchFolder(t), 'nicshare.yaml');
  writeFileSync(config, 'device: { driver: fake }\nqueues: []\n');
  const wrong = await Command.run(t, ['doctor', '--config', config]);
  t.is(wrong.status, 1);
  t.regex(wrong.output, /^fail {2}configuration .*line 2.* - mend: /m);
  const unknown = await Command.run(t, ['doctor', '--interface', 'no-such-card']);
  t.is(unknown.status, 1);
  t.regex(unknown.output, /^fail {2}interface no-such-card: .* - mend: /m);
});

test.serial(
  'doctor sees a limit of address space, under which no dispatcher starts before Node.js 24',
  (t) => {
    const folder = scratchFolder(t);
    const config = join(folder, 'nicshare.yaml');
    writeFileSync(
      config,
      `socket: { path: ${folder}/s }\ndevice: { driver: fake }\nqueues: [{ name: a, match: any }]\n`,
    );
    const limited = (command: string) =>
      spawnSync(
        'bash',
        [
          '-c',
          `ulimit -v ${8 << 20}; exec "$0" "$@"`,
          process.execPath,
          PROGRAM,
          command,
          '--config',
          config,
        ],
        {
          encoding: 'utf8',
        },
      );
    const isNew = Number.parseInt(process.versions.node, 10) >= 24;
    const doctor = limited('doctor');
    t.is(doctor.status, isNew ? 0 : 1, doctor.stderr);
    t.regex(
      doctor.stdout,
      /^(fail|warn) {2}address space: limit 8192 MiB, needed 12288 MiB.* - mend: sudo prlimit /m,
    );
    if (isNew) return;
    const dispatcher = limited('dispatcher');
    t.is(dispatcher.status, 1);
    t.regex(dispatcher.stderr, /OutOfMemory: The address space has no room/);
  },
);

test.serial('doctor works where koffi does not load, and says so', (t) => {
  const preload = "process.dlopen = () => { throw new Error('no koffi here'); };";
  const { stdout, status } = spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(preload)}`, PROGRAM, 'doctor'],
    { encoding: 'utf8', timeout: 60_000 },
  );
  t.is(status, 1);
  t.regex(stdout, /^fail {2}koffi: it does not load: no koffi here - mend: npm rebuild koffi$/m);
  t.regex(stdout, /^ok {4}Node\.js: /m);
});

onVeth(vethTitle('doctor finds nothing wrong with a veth interface, and a dispatcher starts'), async (t) => {
  const lab = await createLab(t);
  const config = lab.configure(QUEUES);
  const { status, failed, about } = await doctor(t, lab, config);
  t.deepEqual(failed, []);
  t.is(status, 0);
  t.is(about('AF_XDP socket')[0]!.level, 'ok');
  t.is(about('BPF link')[0]!.level, 'ok');
  t.true(about(`interface ${CARD}`).some(({ what }) => /no XDP program/.test(what)));
  const dispatcher = Command.start(t, ['dispatcher', '--config', config], lab.card);
  await dispatcher.says('ready');
});

onVeth(vethTitle('doctor sees a dispatcher that has the interface and the socket'), async (t) => {
  const lab = await createLab(t);
  const config = lab.configure(QUEUES);
  const dispatcher = Command.start(t, ['dispatcher', '--config', config], lab.card);
  await dispatcher.says('ready');
  const { status, failed } = await doctor(t, lab, config);
  t.is(status, 1);
  t.deepEqual(
    failed.map(({ subject }) => subject),
    [`interface ${CARD}`, `socket ${lab.socket}`],
  );
  t.regex(failed[0]!.what, /XDP program \d+ .* \(native\)/);
  await dispatcher.end('SIGTERM');
  t.deepEqual((await doctor(t, lab, config)).failed, []);
});

onVeth(vethTitle('doctor sees an interface that is down, and an MTU beyond a frame'), async (t) => {
  const lab = await createLab(t);
  const config = lab.configure(QUEUES);
  await lab.card.run('setLink', CARD, { up: false, mtu: 3000 });
  const { failed } = await doctor(t, lab, config);
  t.deepEqual(
    failed.map(({ mend }) => mend),
    [`sudo ip link set ${CARD} up`, `sudo ip link set ${CARD} mtu 1774, or set memory.frameSize to 4096`],
  );
});
