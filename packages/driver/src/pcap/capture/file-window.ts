import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { NicshareError } from '@nicshare/shm';
import { fileError } from '../file-error.js';

/** Longest piece of a file that is looked at in one view. */
export const MAX_VIEW = 1 << 20;

/** A regular file, looked at piece by piece through one buffer, so that its size does not matter. */
export class FileWindow {
  readonly path: string;
  readonly size: number;
  readonly #fd: number;
  readonly #buffer = Buffer.allocUnsafe(MAX_VIEW);
  #start = 0;
  #end = 0;

  /** Throws NicshareError FileNotFound, NotPermitted, InvalidArgument. */
  constructor(path: string) {
    this.path = path;
    this.#fd = openForReading(path);
    const stats = fstatSync(this.#fd);
    this.size = stats.size;
    if (stats.isFile()) return;
    this.close();
    throw new NicshareError(
      'InvalidArgument',
      `${path} is no regular file.`,
      'Name a file that holds a capture.',
    );
  }

  /** `length` bytes at `offset`, valid until the next call; undefined where the file ends before. */
  view(offset: number, length: number): Buffer | undefined {
    if (offset < this.#start || offset + length > this.#end) this.#load(offset);
    if (offset + length > this.#end) return undefined;
    return this.#buffer.subarray(offset - this.#start, offset - this.#start + length);
  }

  #load(offset: number): void {
    this.#start = offset;
    this.#end = offset;
    while (this.#end - offset < MAX_VIEW) {
      const filled = this.#end - offset;
      const count = readSync(this.#fd, this.#buffer, filled, MAX_VIEW - filled, this.#end);
      if (count === 0) return;
      this.#end += count;
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** Without waiting for a writer, where it is a named pipe. */
function openForReading(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw fileError(path, 'read', error);
  }
}
