import { readConfigFile } from '../config/file.js';
import { createDispatcher, type Dispatcher } from '../dispatcher.js';
import { counted } from './table.js';

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** Says who comes and goes, and resolves when the dispatcher is told to end. Throws what ended it otherwise. */
function untilEnd(dispatcher: Dispatcher): Promise<void> {
  dispatcher.on('attached', ({ queue, pid, uid, trusted }) =>
    say(`attached: ${queue}, process ${pid}, user ${uid}${trusted ? ' (trusted)' : ''}`),
  );
  dispatcher.on('detached', ({ queue, pid }, reason) =>
    say(`detached: ${queue}, process ${pid}${reason ? `: ${reason.message}` : ''}`),
  );
  return new Promise((resolve, reject) => {
    dispatcher.once('failed', reject);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}

/** `nicshare dispatcher`. */
export async function runDispatcher(options: { config: string; check?: boolean }): Promise<void> {
  // Whoever read the lines may go (a pipe to `head`, a terminal): the clients shall not notice.
  process.stdout.on('error', () => {});
  const config = readConfigFile(options.config);
  if (options.check) return say(`${options.config} is valid: ${counted(config.queues.length, 'queue')}`);
  const dispatcher = await createDispatcher(config, (line) => say(`note: ${line}`));
  const { device } = await dispatcher.stats();
  const { coverage, why } = device.rules;
  say(
    `device: ${device.interface} by ${device.driver} (${device.mode}), ${device.mac}, ${counted(device.rxQueues, 'ring')}`,
  );
  if (device.exceptionInterface !== undefined) say(`exception path: ${device.exceptionInterface}`);
  if (dispatcher.metricsUrl) say(`metrics: ${dispatcher.metricsUrl}`);
  say(`rules: ${coverage}${why ? ` (${why})` : ''}`);
  try {
    const end = untilEnd(dispatcher);
    say(`ready: ${counted(config.queues.length, 'queue')} at ${dispatcher.socketPath}`);
    await end;
  } finally {
    await dispatcher.close();
  }
  say('stopped');
}
