import { diagnose } from '../doctor/diagnose.js';
import type { Finding } from '../doctor/finding.js';
import type { DoctorOptions } from '../doctor/read-dispatcher.js';
import { readMachine } from '../doctor/read-machine.js';
import type { Readings } from '../doctor/readings.js';

interface Options extends DoctorOptions {
  readonly json?: boolean;
}

/** The rest of the dispatcher is loaded here: where koffi does not load, that is a finding. */
async function readDispatcherIfLoads(options: DoctorOptions): Promise<Readings['dispatcher']> {
  let module: typeof import('../doctor/read-dispatcher.js');
  try {
    await import('koffi');
    module = await import('../doctor/read-dispatcher.js');
  } catch (error) {
    return (error as Error).message.split('\n', 1)[0]!;
  }
  return module.readDispatcher(options);
}

const LEVEL_WIDTH = 4;

const line = ({ level, subject, what, mend }: Finding): string =>
  `${level.padEnd(LEVEL_WIDTH)}  ${subject}: ${what}${mend === undefined ? '' : ` - mend: ${mend}`}`;

/** `nicshare doctor`. The exit status is 1 where something failed. */
export async function runDoctor(options: Options): Promise<void> {
  const findings = diagnose({
    machine: readMachine(),
    dispatcher: await readDispatcherIfLoads(options),
  });
  const failed = findings.some(({ level }) => level === 'fail');
  const text = options.json
    ? JSON.stringify({ ok: !failed, findings }, null, 2)
    : findings.map(line).join('\n');
  process.stdout.write(`${text}\n`);
  if (failed) process.exitCode = 1;
}
