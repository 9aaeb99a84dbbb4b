import { NO_COUNTERS, type SessionCounters, sumCounters } from '@nicshare/shm';
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

  /** Keeps the counters of a session that ends. */
  addPast(counters: SessionCounters): void {
    this.#past = this.totals(counters);
  }
}
