import { closeSync, constants, fstatSync, ftruncateSync, openSync, statSync } from 'node:fs';
import { NicshareError } from '@nicshare/shm';
import { DRIVER_TABLES } from '../tables.js';
import { CaptureWriter } from './capture/write.js';
import { fileError } from './file-error.js';
import type { ReplayPool } from './pool.js';
import * as T from './replay-table.js';

const cell = (offset: number): number => (DRIVER_TABLES + offset) >>> 2;
const RECORDED = cell(T.TX_RECORDED);
const SENT = cell(T.TX_CURSOR);
const RECORDS = cell(T.RECORDS);

/**
 * Opens the file that is to hold what is sent, and empties it. Throws NicshareError FileNotFound (no such directory),
 * NotPermitted or InvalidArgument (a pipe; the capture that is replayed).
 */
export function openRecord(path: string, replayed: string): number {
  const fd = openForWriting(path);
  try {
    const stats = fstatSync(fd);
    const source = statSync(replayed);
    if (stats.dev === source.dev && stats.ino === source.ino)
      throw new NicshareError(
        'InvalidArgument',
        `device.record names the capture that is replayed (${path}).`,
        'Name another file.',
      );
    if (stats.isFIFO() || stats.isSocket())
      throw new NicshareError('InvalidArgument', `${path} is no file.`, 'Name a file for the recording.');
    if (stats.isFile()) ftruncateSync(fd);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function openForWriting(path: string): number {
  try {
    // Readers of a pipe are not waited for.
    return openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_NONBLOCK);
  } catch (error) {
    throw fileError(path, 'written', error);
  }
}

/** Writes what a pcap device sends into a pcapng file, by the thread that polls the device. */
export class Recording {
  /** Packets that could not be written. */
  lost = 0;
  readonly #path: string;
  readonly #fd: number;
  readonly #writer: CaptureWriter;
  readonly #cells: Uint32Array;
  readonly #pool: ReplayPool;
  readonly #frameSize: number;
  readonly #note: (line: string) => void;
  #running = true;

  /** Takes the descriptor over. */
  constructor(
    { path, fd }: { readonly path: string; readonly fd: number },
    pool: ReplayPool,
    {
      memory,
      frameSize,
      note,
    }: { memory: WebAssembly.Memory; frameSize: number; note: (line: string) => void },
  ) {
    this.#path = path;
    this.#fd = fd;
    this.#pool = pool;
    this.#frameSize = frameSize;
    this.#note = note;
    this.#cells = new Uint32Array(memory.buffer);
    this.#writer = new CaptureWriter(fd, { bytes: new Uint8Array(memory.buffer), area: pool.recordBuffer });
    this.#attempt(() => this.#writer.flush());
  }

  /** Writes what was sent since and frees its frames; returns how many packets those were. */
  write(): number {
    const cells = this.#cells;
    const sent = cells[SENT]!;
    const count = (sent - cells[RECORDED]!) >>> 0;
    if (count === 0 || !this.#running) return 0;
    this.#attempt(() => this.#add(cells[RECORDED]!, count), count);
    cells[RECORDED] = sent;
    return count;
  }

  #add(first: number, count: number): void {
    const { txPool, txLengths, txFrames } = this.#pool;
    const mask = txFrames - 1;
    const lengths = txLengths >>> 2;
    const microseconds = Math.round((performance.timeOrigin + performance.now()) * 1000);
    for (let i = 0; i < count; i++) {
      const frame = (first + i) & mask;
      this.#writer.add(txPool + frame * this.#frameSize, this.#cells[lengths + frame]!, microseconds);
    }
    this.#writer.flush();
  }

  /** A full disk ends the recording, not the traffic. */
  #attempt(write: () => void, count = 0): void {
    const before = this.#writer.packets;
    try {
      write();
    } catch (error) {
      this.#running = false;
      this.#cells[RECORDS] = 0;
      this.lost += count - (this.#writer.packets - before);
      this.#note(
        `The recording to ${this.#path} has stopped (${(error as Error).message}); the traffic goes on, and what is sent ` +
          'from now on is counted as dropped (record).',
      );
    }
  }

  close(): void {
    this.write();
    closeSync(this.#fd);
  }
}
