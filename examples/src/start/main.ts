/*
 * npm start [-- --seconds N]: one packet's whole way, on real traffic: a dispatcher, three clients of an unprivileged
 * user on queues of their own, and senders at the far side, or a capture of them. Start reading at demo.ts.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { canCreateNamespaces } from '@nicshare/netlab';
import { Cleanup } from './cleanup.js';
import { runDemo } from './demo.js';
import { DIRECTORY_VARIABLE } from './environment.js';
import { openReplayStage } from './replay-stage.js';
import { Screen } from './screen.js';
import { openVethStage } from './veth-stage.js';

const MAX_SECONDS = 86_400;
const USAGE = 'Usage: npm start -- --seconds N   (10 where nothing is said)';

function secondsToRun(): number {
  try {
    const { values } = parseArgs({ options: { seconds: { type: 'string', default: '10' } } });
    const seconds = Number(values.seconds);
    if (seconds > 0 && seconds <= MAX_SECONDS) return seconds;
    throw new Error(`--seconds ${values.seconds}: it takes a number above 0, up to ${MAX_SECONDS}.`);
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${USAGE}`);
  }
}

/** All users may enter it, for the clients have to reach the socket in it. */
function makeDirectory(cleanup: Cleanup): string {
  const directory = mkdtempSync(join(tmpdir(), 'nicshare-demo-'));
  cleanup.defer(() => rmSync(directory, { recursive: true, force: true }));
  chmodSync(directory, 0o755);
  process.env[DIRECTORY_VARIABLE] = directory;
  return directory;
}

/** Later signals find a demo that is ending already, and change nothing. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
  return stop.signal;
}

async function main(): Promise<boolean> {
  const seconds = secondsToRun();
  const stop = stopSignal();
  const screen = new Screen();
  const cleanup = new Cleanup();
  try {
    const stageOptions = {
      directory: makeDirectory(cleanup),
      cleanup,
      say: (line: string) => screen.say(line),
    };
    const possible = canCreateNamespaces();
    screen.say(
      possible === true
        ? 'A veth pair between two network namespaces; the senders are sockets of the kernel.'
        : `No veth pair, because ${possible}: a capture of one is replayed, and what the clients answer is recorded.`,
    );
    const open = possible === true ? openVethStage : openReplayStage;
    const stage = await open({ ...stageOptions, seconds });
    return await runDemo(stage, { seconds, stop, screen, cleanup });
  } finally {
    await cleanup.run();
  }
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  process.stderr.write(`npm start: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
