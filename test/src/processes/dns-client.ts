/* Asks the name server in argv[2] by Node's own resolver, for a name at a time: a (`name`), aaaa (`name`). */
import { Resolver } from 'node:dns/promises';
import { nextCommand, say } from '../support/parent.js';

const resolver = new Resolver({ timeout: 5_000, tries: 4 });
resolver.setServers([process.argv[2]!]);

const ask = (kind: string, name: string): Promise<string[]> =>
  kind === 'a' ? resolver.resolve4(name) : resolver.resolve6(name);

await say('up');
for (;;) {
  const { event, name } = await nextCommand();
  const answer = await ask(event, String(name)).catch((error: NodeJS.ErrnoException) => error.code);
  await say('answer', { answer });
}
