import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DispatcherOptions } from '@nicshare/dispatcher';

/** How long and on what both sides run. */
export interface Setup {
  readonly pages: 'huge' | 'small';
  /** Seconds of a run that count, and those before it. */
  readonly seconds: number;
  readonly warmupSeconds: number;
}

/** The queues of every run: one a UDP port. The C twin has the same. */
export const QUEUES = [
  { name: 'one', port: 5001 },
  { name: 'two', port: 5002 },
  { name: 'three', port: 5003 },
  { name: 'four', port: 5004 },
] as const;

/** The sizes of a session, as in the C twin. */
export const RX_FRAMES = 16384;
/** Packets that a device has to give, round and round, as in the C twin. */
export const POOL_PACKETS = 65536;

/** What all our dispatchers have in common. */
export const commonOptions = (socket: string, pages: Setup['pages']) =>
  ({
    socket: { path: socket },
    memory: {
      frameSize: 2048,
      ringSize: 1024,
      frames: RX_FRAMES,
      hugepages: pages === 'huge' ? 'require' : 'never',
    },
    queues: QUEUES.map(({ name, port }) => ({ name, match: { protocol: 'udp', destinationPort: port } })),
  }) satisfies Partial<DispatcherOptions>;

/** A directory for sockets and files; it goes with the benchmark at the latest. */
export function socketDirectory(): { readonly directory: string; readonly socket: string; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'nicshare-bench-'));
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  process.once('exit', remove);
  return { directory, socket: join(directory, 'bench.sock'), remove };
}
