/* What README.md, docs/ and examples/ tell a reader to write works as it stands there. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseConfig } from '@nicshare/dispatcher';
import test from 'ava';
import { Command } from './support/command.js';
import { environment } from './support/example.js';
import { PORTS, startFake } from './support/fake-dispatcher.js';
import { numberedPacket } from './support/packets.js';
import { scratchFolder } from './support/scratch.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** Code blocks of a language. */
const blocks = (path: string, language: string): string[] =>
  [...read(path).matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(([, code]) => code!);

test.serial("README's application prints the packets of its queue", async (t) => {
  const host = await startFake(t, {
    queues: [{ name: 'rest', match: { protocol: 'udp', destinationPort: PORTS.one } }],
  });
  const [code] = blocks('README.md', 'js').filter((block) => block.includes("attach('rest')"));
  const file = join(scratchFolder(t), 'application.mjs');
  writeFileSync(file, code!.replace("'@nicshare/client'", `'${import.meta.resolve('@nicshare/client')}'`));
  const application = Command.startProgram(t, [file], { env: environment(host.socket) });
  while (host.attached === 0) await new Promise(setImmediate);
  host.wire.inject(numberedPacket(PORTS.one, 0, 100));
  await application.says('100 bytes, EtherType 0x0800\n');
  await host.dispatcher.close();
  t.is(await application.ended(), 0, application.errors);
});

/** The machine of the test knows no such user. */
const withUsers = (text: string): string => text.replace('users: [dns]', 'users: [root]');

for (const path of ['README.md', 'docs/configuration.md'])
  test(`the configurations in ${path} are valid`, (t) => {
    const whole = blocks(path, 'yaml').filter((text) => text.includes('device:') && text.includes('queues:'));
    t.true(whole.length > 0);
    for (const text of whole) t.notThrows(() => parseConfig(withUsers(text), path));
  });

const files = readdirSync(join(ROOT, 'examples'), { recursive: true, encoding: 'utf8' });
for (const path of files.filter((name) => name.endsWith('.yaml')))
  test(`examples/${path} is valid`, (t) => {
    t.true(parseConfig(read(join('examples', path)), path).queues.length > 0);
  });
