/* docs/nicshare.service: what it grants is what the dispatcher needs, and no more. */
import { spawnSync } from 'node:child_process';
import { chownSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Namespace } from '@nicshare/netlab';
import test, { type ExecutionContext } from 'ava';
import { Child } from './support/child.js';
import { Command, PROGRAM } from './support/command.js';
import { NOBODY } from './support/nobody.js';
import { unreadableToOthers } from './support/unreadable.js';
import { CARD_ADDRESS as address, createLab, onVeth, type VethLab, vethTitle } from './support/veth-lab.js';

const UNIT = fileURLToPath(new URL('../../docs/nicshare.service', import.meta.url));
/* A port in the rule: the verifier asks for CAP_PERFMON only then. Small rings: root may be under a limit here. */
const QUEUES = `
  - { name: echo, match: { protocol: udp, destinationPort: 7 } }
memory: { deviceRingSize: 256 }
`;

const setting = (name: string): string =>
  new RegExp(`^${name}=(.*)$`, 'm').exec(readFileSync(UNIT, 'utf8'))?.[1] ?? '';
const capabilities = setting('AmbientCapabilities').split(' ');

const hasTool = (tool: string): boolean => spawnSync(tool, ['--version']).status === 0;
const barrier = unreadableToOthers(PROGRAM);
const lack =
  (!hasTool('setpriv') && 'there is no setpriv') || (barrier && `${barrier} can be read by its owner alone`);
const asService = lack ? test.serial.skip : onVeth;
const title = (text: string): string => (lack ? `${text} (skipped: ${lack})` : vethTitle(text));

const analyzes = hasTool('systemd-analyze');
const withSystemd = analyzes ? test.serial : test.serial.skip;

withSystemd(
  `systemd reads the unit without complaint${analyzes ? '' : ' (skipped: no systemd-analyze)'}`,
  (t) => {
    const { stderr } = spawnSync('systemd-analyze', ['verify', UNIT], { encoding: 'utf8' });
    // Of the file alone: a machine's other units may have faults, and the programs are not at their places here.
    const complaints = stderr.split('\n').filter((line) => /nicshare\.service/.test(line));
    t.deepEqual(
      complaints.filter((line) => !/is not executable: No such file/.test(line)),
      [],
    );
  },
);

test.serial('what is granted is also the bound, and locked memory has no limit', (t) => {
  t.is(setting('CapabilityBoundingSet'), setting('AmbientCapabilities'));
  t.is(setting('NoNewPrivileges'), 'yes');
  t.is(setting('LimitMEMLOCK'), 'infinity');
});

/** The dispatcher as the service starts it: another user, these capabilities, no new ones, the unit's umask. */
function startService(
  t: ExecutionContext,
  lab: VethLab,
  namespace: Namespace,
  granted: readonly string[],
): Command {
  chownSync(dirname(lab.socket), NOBODY, NOBODY);
  const set = ['-all', ...granted.map((name) => `+${name.slice('CAP_'.length).toLowerCase()}`)].join(',');
  const sets = [`--inh-caps=${set}`, `--ambient-caps=${set}`, `--bounding-set=${set}`, '--no-new-privs'];
  const user = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
  const umask = ['sh', '-c', `umask ${setting('UMask')}; exec "$@"`, 'sh'];
  const dispatcher = [process.execPath, PROGRAM, 'dispatcher', '--config', lab.configure(QUEUES)];
  return Command.startProgram(t, [...user, ...sets, ...umask, ...dispatcher], {
    program: 'setpriv',
    namespace,
  });
}

asService(title('with what the unit grants a dispatcher passes packets'), async (t) => {
  const lab = await createLab(t);
  const service = startService(t, lab, lab.card, capabilities);
  await service.says('ready');
  const echo = Child.start(t, 'responder', [lab.socket, 'echo', 'answer']);
  await echo.next('attached');
  lab.peer.tell('udp', { address, port: 7, count: 50 });
  t.is((await lab.peer.next('udp')).answered, 50);
  await service.end('SIGTERM');
  t.is(service.status, 0, service.errors);
});

for (const one of capabilities)
  asService(title(`without ${one} the dispatcher is refused: NotPermitted`), async (t) => {
    const lab = await createLab(t);
    const others = capabilities.filter((name) => name !== one);
    const service = startService(t, lab, lab.card, others);
    t.is(await service.ended(), 1, service.output);
    t.regex(service.errors, /^nicshare: NotPermitted: /);
  });
