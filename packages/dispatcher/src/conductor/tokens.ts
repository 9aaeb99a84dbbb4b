import { randomBytes } from 'node:crypto';

const LIFETIME_MS = 5_000;

/** One-time tokens by which a request on the control socket is carried on over the descriptor socket. */
export class Tokens<T> {
  readonly #values = new Map<string, { value: T; timer: NodeJS.Timeout }>();

  issue(value: T): string {
    const token = randomBytes(16).toString('hex');
    const timer = setTimeout(() => this.#values.delete(token), LIFETIME_MS);
    timer.unref();
    this.#values.set(token, { value, timer });
    return token;
  }

  /** The token's value, once. */
  redeem(token: string): T | undefined {
    const entry = this.#values.get(token);
    if (!entry) return undefined;
    clearTimeout(entry.timer);
    this.#values.delete(token);
    return entry.value;
  }

  /** How many tokens are open whose value fits. */
  count(fits: (value: T) => boolean): number {
    let count = 0;
    for (const { value } of this.#values.values()) if (fits(value)) count++;
    return count;
  }

  /** Takes back all tokens whose value fits. */
  revoke(fits: (value: T) => boolean): void {
    for (const [token, { value }] of this.#values) if (fits(value)) this.redeem(token);
  }
}
