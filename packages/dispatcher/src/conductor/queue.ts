import {
  type LatencyHistogram,
  NO_COUNTERS,
  NO_LATENCIES,
  type SessionCounters,
  sumCounters,
  sumLatencies,
} from '@nicshare/shm';
import type { QueueConfig } from '../config/schema.js';
import type { ClientSession } from './client-session.js';

/** A named queue: its configuration, who is attached, and what earlier sessions did. */
export class Queue {
  readonly config: QueueConfig;
  readonly index: number;
  readonly allowedUsers: ReadonlySet<number> | undefined;
  readonly allowedGroups: ReadonlySet<number> | undefined;
  /** The attached session, also while it begins or ends. */
  session: ClientSession | undefined;
  #past: SessionCounters | undefined;
  #pastPickups = NO_LATENCIES;
  /** Sessions that were ended because the client broke a rule. */
  violations = 0;

  constructor(
    config: QueueConfig,
    index: number,
    allowed: { users: readonly number[]; groups: readonly number[] } | undefined,
  ) {
    this.config = config;
    this.index = index;
    this.allowedUsers = allowed && new Set(allowed.users);
    this.allowedGroups = allowed && new Set(allowed.groups);
  }

  /** Whether a user may attach. Root and the dispatcher's own user always may. */
  allows(uid: number, groups: readonly number[]): boolean {
    if (!this.allowedUsers || !this.allowedGroups) return true;
    if (uid === 0 || uid === process.getuid?.() || this.allowedUsers.has(uid)) return true;
    return groups.some((group) => this.allowedGroups!.has(group));
  }

  /** Sums over the sessions that have ended and, where it is given, the attached one. */
  totals(current?: SessionCounters): SessionCounters {
    return sumCounters(this.#past ?? NO_COUNTERS, current ?? NO_COUNTERS);
  }

  /** How long packets waited for clients, over the sessions that have ended and, where it is given, the attached one. */
  pickups(current?: LatencyHistogram): LatencyHistogram {
    return sumLatencies(this.#pastPickups, current ?? NO_LATENCIES);
  }

  /** The session has ended; what it has counted is kept. */
  leave(counters: SessionCounters, pickups: LatencyHistogram): void {
    this.#past = this.totals(counters);
    this.#pastPickups = this.pickups(pickups);
    this.session = undefined;
  }
}
