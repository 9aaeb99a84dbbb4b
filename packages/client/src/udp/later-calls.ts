/** A call that waits for the socket to be bound; the error says why it will not be. */
export type LaterCall = (error?: Error) => void;

/** What was called on a socket before it was bound, in order. */
export class LaterCalls {
  #calls: LaterCall[] = [];

  get pending(): boolean {
    return this.#calls.length > 0;
  }

  add(call: LaterCall): void {
    this.#calls.push(call);
  }

  /** Makes the calls; those that they add wait for the next time. */
  run(error?: Error): void {
    for (const call of this.#calls.splice(0)) call(error);
  }
}
