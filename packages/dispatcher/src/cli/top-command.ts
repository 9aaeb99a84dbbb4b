import { samples } from './sampling.js';
import { Screen } from './screen.js';
import { renderTop } from './top-table.js';
import { type TopView, topView } from './top-view.js';

interface Options {
  readonly socket?: string;
  readonly interval: number;
  readonly json?: boolean;
}

const CTRL_C = '\x03';
const write = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

/** Ends on Ctrl-C, SIGTERM, or where nobody reads the output any more; on a terminal also on the key q. */
function untilStopped(): { signal: AbortSignal; release: () => void } {
  const stop = new AbortController();
  const abort = (): void => stop.abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, abort);
  process.stdout.on('error', abort);
  const { stdin } = process;
  if (!stdin.isTTY) return { signal: stop.signal, release: () => {} };
  const onKey = (keys: Buffer): void => {
    if (/q/i.test(keys.toString()) || keys.includes(CTRL_C)) abort();
  };
  stdin.setRawMode(true).on('data', onKey).resume();
  return { signal: stop.signal, release: () => stdin.setRawMode(false).off('data', onKey).pause() };
}

async function* views(options: Options, signal: AbortSignal): AsyncGenerator<TopView> {
  for await (const sample of samples({ ...options, signal })) yield topView(sample, new Date());
}

async function show(options: Options, signal: AbortSignal): Promise<void> {
  if (options.json) {
    for await (const view of views(options, signal)) write(JSON.stringify(view));
    return;
  }
  if (!process.stdout.isTTY) {
    for await (const view of views(options, signal)) write(`${renderTop(view).join('\n')}\n`);
    return;
  }
  const screen = new Screen(process.stdout);
  try {
    for await (const view of views(options, signal)) screen.draw([...renderTop(view), '', 'q ends']);
  } finally {
    screen.close();
  }
}

/** `nicshare top`. */
export async function runTop(options: Options): Promise<void> {
  const { signal, release } = untilStopped();
  try {
    await show(options, signal);
  } finally {
    release();
  }
}
