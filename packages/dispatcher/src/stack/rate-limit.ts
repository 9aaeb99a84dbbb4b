interface Bucket {
  tokens: number;
  at: number;
}

/** So many times a second for each user, after a pause more at once. */
export class RateLimit {
  readonly #perSecond: number;
  readonly #atOnce: number;
  readonly #buckets = new Map<number, Bucket>();
  readonly #now: () => number;

  /** `now` is in milliseconds. */
  constructor(perSecond: number, atOnce: number, now: () => number = () => performance.now()) {
    this.#perSecond = perSecond;
    this.#atOnce = atOnce;
    this.#now = now;
  }

  /** Whether the user may now. */
  take(uid: number): boolean {
    const now = this.#now();
    const bucket = this.#buckets.get(uid) ?? { tokens: this.#atOnce, at: now };
    this.#buckets.set(uid, bucket);
    bucket.tokens = Math.min(this.#atOnce, bucket.tokens + ((now - bucket.at) * this.#perSecond) / 1000);
    bucket.at = now;
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }
}
