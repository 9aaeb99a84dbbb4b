import type { Batch, Port } from '@nicshare/client';

export const BURST = 64;

/** Takes bursts off a port, reads 8 bytes of every packet and gives the frames back, as the C client does. */
export class Reader {
  readonly #port: Port;
  readonly #batch: Batch;
  readonly #words: Uint32Array;
  packets = 0;
  bytes = 0;
  /** Of the first 8 bytes of every packet: that they were read cannot be optimised away. */
  sum = 0;

  constructor(port: Port) {
    this.#port = port;
    this.#batch = port.createBatch(BURST);
    const { buffer, byteOffset, byteLength } = this.#batch.bytes;
    this.#words = new Uint32Array(buffer, byteOffset, byteLength >> 2);
  }

  /** Reads up to a burst; returns how many packets. */
  read(): number {
    const batch = this.#batch;
    const count = this.#port.rxBurst(batch);
    if (count === 0) return 0;
    const { offset, length } = batch;
    const words = this.#words;
    let sum = this.sum;
    let bytes = 0;
    for (let i = 0; i < count; i++) {
      const at = offset[i]! >>> 2;
      sum = (sum + words[at]! + words[at + 1]!) | 0;
      bytes += length[i]!;
    }
    this.sum = sum;
    this.bytes += bytes;
    this.packets += count;
    this.#port.release(batch);
    return count;
  }
}
