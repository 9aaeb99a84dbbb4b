/** Bytes of a piece that payloads are cut from. Who keeps one payload keeps the piece it was cut from. */
const PIECE = 32 * 1024;
const ALIGNMENT = 8;
/** Up to here, two bytes at a time are faster than a view and a block copy. */
const SHORT = 256;

/** Copies payloads into Buffers of their own, many of which share one allocation. */
export class PayloadPool {
  readonly #bytes: Uint8Array;
  readonly #words: Uint16Array;
  #piece = Buffer.allocUnsafeSlow(PIECE);
  #pieceWords = new Uint16Array(this.#piece.buffer);
  #used = 0;

  constructor(bytes: Uint8Array, words: Uint16Array) {
    this.#bytes = bytes;
    this.#words = words;
  }

  /** A copy of the `length` bytes from the even offset `from` on. */
  copy(from: number, length: number): Buffer {
    const start = this.#take(length);
    const piece = this.#piece;
    if (length > SHORT) {
      piece.set(this.#bytes.subarray(from, from + length), start);
    } else {
      const words = this.#pieceWords;
      const source = this.#words;
      const count = length >> 1;
      for (let i = 0, to = start >> 1, at = from >> 1; i < count; i++) words[to + i] = source[at + i]!;
      if ((length & 1) === 1) piece[start + length - 1] = this.#bytes[from + length - 1]!;
    }
    return piece.subarray(start, start + length);
  }

  #take(length: number): number {
    const start = this.#used;
    if (start + length > PIECE) {
      this.#piece = Buffer.allocUnsafeSlow(PIECE);
      this.#pieceWords = new Uint16Array(this.#piece.buffer);
      this.#used = 0;
      return this.#take(length);
    }
    this.#used = (start + length + ALIGNMENT - 1) & -ALIGNMENT;
    return start;
  }
}
