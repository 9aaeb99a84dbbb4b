import { connect, type PacketTap } from '@nicshare/client';
import { isNicshareError, NicshareError } from '@nicshare/shm';
import { requireFilter } from '../dataplane/filter-program.js';
import { PacketFilter } from './tap/filter.js';
import { openOutput, requireOutput } from './tap/output.js';
import { Recorder, type RecorderParts } from './tap/recorder.js';

interface Options {
  readonly socket?: string;
  readonly device?: boolean;
  readonly write: string;
  readonly filter?: string;
  readonly snaplen: number;
  readonly count?: number;
}

function requireOne(queue: string | undefined, device: boolean): void {
  if ((queue !== undefined) !== device) return;
  throw new NicshareError(
    'InvalidArgument',
    queue === undefined ? 'What to tap is not named.' : 'Both a queue and the whole device are named.',
    "Name a queue ('nicshare queues' lists them), or --device for all packets.",
  );
}

/** Aborted by Ctrl-C and SIGTERM. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}

function summary(packets: number, { tooSlow, skipped }: PacketTap['counters']): string {
  const reasons = [
    ...(tooSlow > 0 ? [`${tooSlow} because the output is too slow`] : []),
    ...(skipped > 0 ? [`${skipped} to spare the traffic`] : []),
  ];
  const why = reasons.length > 0 ? ` (${reasons.join(', ')})` : '';
  return `${packets} captured, ${tooSlow + skipped} dropped by the tap${why}`;
}

/**
 * The dispatcher filters where it can: what is not wanted then takes no room in the tap's ring. Undefined where it
 * would refuse the program: very long ones, and loops, which libpcap makes of `protochain`.
 */
function programForDispatcher({ program }: PacketFilter): readonly number[] | undefined {
  try {
    requireFilter(program);
    return program;
  } catch (error) {
    if (isNicshareError(error, 'FilterInvalid')) return undefined;
    throw error;
  }
}

/** Records until the end, whatever ends it, and says on stderr what came of it. */
async function record(parts: RecorderParts): Promise<void> {
  const { tap, output } = parts;
  const recorder = new Recorder(parts);
  try {
    await recorder.run();
    await recorder.finish();
  } finally {
    const line = summary(recorder.packets, tap.counters);
    output.close();
    process.stderr.write(`nicshare tap: ${line}\n`);
  }
  if (tap.detachedReason) throw tap.detachedReason;
}

/** `nicshare tap`. */
export async function runTap(queue: string | undefined, options: Options): Promise<void> {
  const { socket, device = false, write, filter: expression, snaplen, count = Infinity } = options;
  requireOne(queue, device);
  requireOutput(write);
  const filter = expression === undefined ? undefined : new PacketFilter(expression, snaplen);
  const stop = stopSignal();
  const client = await connect(socket === undefined ? {} : { socket });
  try {
    const program = filter && programForDispatcher(filter);
    const wish = { snaplen, ...(queue !== undefined && { queue }), ...(program && { filter: program }) };
    const tap = await client.tap(wish);
    const output = await openOutput(write, stop);
    await record({ tap, queue, snaplen, output, filter: program ? undefined : filter, limit: count, stop });
  } finally {
    filter?.close();
    await client.close();
  }
}
