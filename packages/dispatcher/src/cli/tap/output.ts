import { closeSync, constants, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { isatty } from 'node:tty';
import { fileError } from '@nicshare/driver/pcapng';
import { NicshareError } from '@nicshare/shm';
import { libc, watchReadable } from '@nicshare/shm/sys';

const STDOUT = 1;
/** How often to look whether somebody reads a named pipe. */
const READER_COMES_MS = 20;

/** Where a capture goes. */
export interface Output {
  /** Writes bytes, which are the caller's again when it resolves. Throws NicshareError OutputFailed. */
  write(bytes: Uint8Array): Promise<void>;
  /** Aborted where nobody reads the output any more: then nothing is written, and nothing is thrown. */
  readonly gone: AbortSignal;
  close(): void;
}

const code = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

const failed = (name: string, cause: unknown): NicshareError =>
  new NicshareError(
    'OutputFailed',
    `${name} cannot be written any further (${(cause as Error).message}).`,
    'Make room, or name another file; what was written ends with a whole packet.',
    { cause },
  );

/** A file, or a device like /dev/null. */
class FileOutput implements Output {
  readonly gone = new AbortController().signal;
  readonly #name: string;
  readonly #fd: number;
  readonly #regular: boolean;
  #written = 0;

  constructor(name: string, fd: number) {
    this.#name = name;
    this.#fd = fd;
    this.#regular = fstatSync(fd).isFile();
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#fd, bytes, done);
      this.#written += bytes.length;
    } catch (error) {
      if (this.#regular && this.#fd !== STDOUT) ftruncateSync(this.#fd, this.#written);
      throw failed(this.#name, error);
    }
  }

  close(): void {
    if (this.#fd !== STDOUT) closeSync(this.#fd);
  }
}

/** A pipe or a socket: its reader may be slow, or go. */
class PipeOutput implements Output {
  readonly #name: string;
  readonly #stream: Socket;
  readonly #gone = new AbortController();
  readonly #unwatch: () => void;
  #error: Error | undefined;

  constructor(name: string, fd: number) {
    this.#name = name;
    this.#stream = new Socket({ fd, readable: false, writable: true });
    this.#stream.on('error', (error) => {
      this.#error = error;
      if (code(error) === 'EPIPE' || code(error) === 'ECONNRESET') this.#gone.abort();
    });
    // A write would tell, but none may come for long. Our own descriptor: libuv watches the other.
    const watched = libc.dup(fd);
    const watch = watchReadable(watched, () => {
      this.#unwatch();
      this.#gone.abort();
    });
    watch.unref();
    let watching = true;
    this.#unwatch = () => {
      if (!watching) return;
      watching = false;
      watch.close();
      libc.close(watched);
    };
  }

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.gone.aborted) return;
    await new Promise<void>((resolve) => {
      this.#stream.write(bytes, () => resolve());
    });
    if (this.#error && !this.gone.aborted) throw failed(this.#name, this.#error);
  }

  close(): void {
    this.#unwatch();
    this.#stream.destroy();
  }
}

const isPipe = (fd: number): boolean => {
  const stats = fstatSync(fd);
  return stats.isFIFO() || stats.isSocket();
};

/** A capture shows what others receive: its file is its owner's alone. */
const FILE_MODE = 0o600;

/** Opens a file, or waits for the reader of a named pipe, unless `stop` is aborted meanwhile. */
async function openPath(path: string, stop: AbortSignal): Promise<number> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NONBLOCK;
  for (;;) {
    try {
      return openSync(path, flags, FILE_MODE);
    } catch (error) {
      if (code(error) !== 'ENXIO' || stop.aborted) throw fileError(path, 'written', error);
    }
    await delay(READER_COMES_MS);
  }
}

/** Refuses what cannot take a capture, before anything is done. Throws NicshareError InvalidArgument. */
export function requireOutput(path: string): void {
  if (path !== '-' || !isatty(STDOUT)) return;
  throw new NicshareError(
    'InvalidArgument',
    'A capture is binary: it is not written to a terminal.',
    "Pipe it: '| tcpdump -r -' or '| tshark -i -', or name a file.",
  );
}

/** Opens a file, a named pipe, or standard output ('-'). Throws NicshareError FileNotFound, NotPermitted, InvalidArgument. */
export async function openOutput(path: string, stop: AbortSignal): Promise<Output> {
  const fd = path === '-' ? STDOUT : await openPath(path, stop);
  const name = path === '-' ? 'Standard output' : `The file ${path}`;
  return isPipe(fd) ? new PipeOutput(name, fd) : new FileOutput(name, fd);
}
