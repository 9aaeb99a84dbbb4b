import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { startFake } from './support/fake-dispatcher.js';
import { scratchFolder, scratchSocket } from './support/scratch.js';

const CLIENT = import.meta.resolve('@nicshare/client');

/** What Node prints of a program of two lines that catches nothing. */
async function printed(t: ExecutionContext, socket: string): Promise<string> {
  const file = join(scratchFolder(t), 'application.mjs');
  writeFileSync(
    file,
    `import { connect } from '${CLIENT}';\nconst client = await connect({ socket: '${socket}' });\nawait client.attach('nope');\n`,
  );
  return new Promise((resolve) => execFile(process.execPath, [file], (_, __, stderr) => resolve(stderr)));
}

/** The line of the application, the refusal, and one line of stack; and nothing of ours. */
function pointsAt(t: ExecutionContext, text: string, line: number, refusal: RegExp): void {
  const lines = text.split('\n').filter((part) => part.trim() !== '' && !part.startsWith('Node.js v'));
  t.is(lines.length, 5, text);
  t.regex(lines[0]!, new RegExp(`application\\.mjs:${line}$`));
  t.regex(lines[3]!, refusal);
  t.regex(lines[4]!, new RegExp(`application\\.mjs:${line}:`));
}

test.serial(
  'an application that does not catch a refusal is shown its own line and the sentence',
  async (t) => {
    const text = await printed(t, scratchSocket(t));
    pointsAt(t, text, 2, /^DispatcherNotRunning: No dispatcher listens at .*Start one/);
  },
);

test.serial('so it is for a refused attach', async (t) => {
  const { socket } = await startFake(t);
  const text = await printed(t, socket);
  pointsAt(t, text, 3, /^NoSuchQueue: There is no queue named 'nope'/);
});
