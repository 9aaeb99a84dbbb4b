import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';

const ROOT = new URL('../../', import.meta.url);
/** node-ipc has shipped malicious releases (CVE-2022-23812): this one was read, and no other may come in its place. */
const NODE_IPC = {
  version: '12.0.0',
  integrity:
    'sha512-QHJ2gAJiqA3cM7cQiRjLsfCOBRB0TwQ6axYD4FSllQWipEbP6i7Se1dP8EzPKk5J1nCe27W69eqPmCoKyQ61Vg==',
};

interface Lock {
  readonly packages: Record<string, { version?: string; integrity?: string }>;
}

const read = <T>(path: string): T => JSON.parse(readFileSync(new URL(path, ROOT), 'utf8')) as T;
const copies = ({ packages }: Lock): string[] =>
  Object.keys(packages).filter((path) => path.endsWith('node_modules/node-ipc'));

for (const lock of ['package-lock.json', 'node_modules/.package-lock.json'])
  test(`${lock}: one node-ipc, the one that was read`, (t) => {
    const contents = read<Lock>(lock);
    t.deepEqual(copies(contents), ['node_modules/node-ipc']);
    const { version, integrity } = contents.packages['node_modules/node-ipc']!;
    t.deepEqual({ version, integrity }, NODE_IPC);
  });

test('the installed node-ipc is that version', (t) => {
  t.is(read<{ version: string }>('node_modules/node-ipc/package.json').version, NODE_IPC.version);
});

test('every package that needs node-ipc names that version and no range', (t) => {
  const named = readdirSync(new URL('packages/', ROOT))
    .map((name) => read<{ dependencies?: Record<string, string> }>(`packages/${name}/package.json`))
    .map(({ dependencies }) => dependencies?.['node-ipc'])
    .filter((range) => range !== undefined);
  t.true(named.length > 0);
  for (const range of named) t.is(range, NODE_IPC.version);
});
