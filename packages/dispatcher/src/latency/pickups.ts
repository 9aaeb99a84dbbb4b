import { type LatencyHistogram, latencySamples, NO_LATENCIES, readPickups } from '@nicshare/shm';
import { sessionRecord } from '../dataplane/session-table.js';
import * as T from '../dataplane/tables.js';

/** A session as its pickups are judged. */
export interface SampledSession {
  readonly slot: number;
  readonly clientRegion: { readonly offset: number };
  /** Milliseconds of Date.now(). */
  readonly since: number;
}

/**
 * How long packets waited for a client in its rxRing, as it says itself. It cannot have counted more samples than it
 * was given, nor waits longer than its session: what says so is ignored whole.
 */
export function pickupsOf(view: DataView, session: SampledSession): LatencyHistogram {
  const said = readPickups(view, session.clientRegion.offset);
  const given = Number(view.getBigUint64(sessionRecord(session.slot) + T.SESSION_SAMPLES, true));
  const samples = latencySamples(said);
  const ageSeconds = (Date.now() - session.since) / 1000 + CLOCKS_DIFFER_SECONDS;
  return samples <= given && said.sumSeconds <= samples * ageSeconds ? said : NO_LATENCIES;
}

/** Date.now() is set from time to time. */
const CLOCKS_DIFFER_SECONDS = 60;
