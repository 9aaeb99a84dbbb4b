/*
 * Latency samples. Every so many bursts the clock is looked at; of such a burst each session that was not sampled for
 * the interval counts where the time went, and its client is told when the burst's first packet was published.
 */
import * as L from '../../shm/src/layout';
import * as T from '../src/dataplane/tables';
import { add } from './counters';
import { rxTime } from './device';

/** CLOCK_MONOTONIC in nanoseconds. */
// @ts-ignore: decorator
@external('env', 'clock')
declare function clock(): f64;

/** A device's time that is further back is none: what stood in a frame before. */
const OLDEST: f64 = 100e9;

/** When the burst at hand was taken, or 0 where it is not sampled. */
export function burstTime(): f64 {
  const countdown = load<u32>(T.PLANE, T.PLANE_SAMPLE_COUNTDOWN);
  store<u32>(T.PLANE, countdown ? countdown - 1 : T.BURSTS_A_LOOK - 1, T.PLANE_SAMPLE_COUNTDOWN);
  return countdown ? 0 : clock();
}

/** After a sleep bursts are rare: none shall go by. */
export function lookAtNextBurst(): void {
  store<u32>(T.PLANE, 0, T.PLANE_SAMPLE_COUNTDOWN);
}

/**
 * Counts how long a burst took from the device to here, where it is published next, and tells the clients that time.
 * Its frames must not have been given back yet.
 */
export function sample(queue: u32, touched: u32, time: f64): void {
  let now: f64 = 0;
  for (let i: u32 = 0; i < touched; i++) {
    const at: u32 = T.TOUCHED + (i << T.TOUCHED_SHIFT);
    const session = load<u32>(at, T.TOUCHED_SESSION);
    if (!isDue(session, time)) continue;
    const came = rxTime(queue, load<u32>(at, T.TOUCHED_FIRST));
    if (came > 0 && time - came < OLDEST) observe(session, T.LATENCY_DEVICE, time - came);
    if (!now) now = clock();
    observe(session, T.LATENCY_DISPATCH, now - time);
    store<f64>(session, time, T.SESSION_SAMPLED_AT);
    tellClient(session, now);
  }
}

/** Whether the burst brought it packets, and its last sample is long enough ago. */
// @ts-ignore: decorator
@inline
function isDue(session: u32, time: f64): bool {
  if (load<u32>(session, T.SESSION_RX_PRODUCER) == load<u32>(session, T.SESSION_RX_PUBLISHED)) return false;
  return time - load<f64>(session, T.SESSION_SAMPLED_AT) >= load<f64>(T.PLANE, T.PLANE_SAMPLE_INTERVAL);
}

/** Writes the sample of the first slot that is published next. */
function tellClient(session: u32, time: f64): void {
  const samples = load<u64>(session, T.SESSION_SAMPLES) + 1;
  store<u64>(session, samples, T.SESSION_SAMPLES);
  const number = <u32>samples << 1;
  const region = load<u32>(session, T.SESSION_DISPATCHER_REGION);
  atomic.store<u32>(region + L.RX_SAMPLE_NUMBER, number - 1);
  atomic.store<u32>(region + L.RX_SAMPLE_CURSOR, load<u32>(session, T.SESSION_RX_PUBLISHED));
  atomic.store<u64>(region + L.RX_SAMPLE_TIME, <u64>time);
  atomic.store<u32>(region + L.RX_SAMPLE_NUMBER, number);
}

function observe(session: u32, stage: u32, took: f64): void {
  const nanoseconds: f64 = took > 0 ? took : 0;
  const histogram = load<u32>(session, T.SESSION_LATENCIES) + stage;
  let bucket: u32 = 0;
  let bound: f64 = L.LATENCY_FIRST_BOUND;
  while (bucket < <u32>L.LATENCY_BOUNDS && nanoseconds > bound) {
    bucket++;
    bound *= 2;
  }
  add(histogram + (bucket << 3), 1);
  const sum = histogram + T.HISTOGRAM_SUM;
  store<u64>(sum, load<u64>(sum) + <u64>nanoseconds);
}
