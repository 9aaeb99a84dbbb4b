import type { RingStats } from '@nicshare/driver';
import type { PlaneCounters } from '../dataplane/plane.js';
import { type QueueRates, queueRates, type Rates, rateOfEach } from './rates.js';
import type { Sample } from './sampling.js';
import { type ClientView, clientView } from './top-clients.js';
import { type LatencyView, latencyView } from './top-latency.js';

/** A hardware ring: packets a second, and how full it is. */
export interface RingView
  extends Pick<RingStats, 'rxSize' | 'rxWaiting' | 'rxFree' | 'txSize' | 'txWaiting'> {
  readonly ring: number;
  readonly rxPackets: number;
  readonly txPackets: number;
}

/** A queue: rates a second, its client, and how long packets took. */
export interface QueueView extends QueueRates {
  readonly name: string;
  readonly mode: string;
  /** Null where nobody is attached. */
  readonly client: ClientView | null;
  /** Null where no samples are taken. */
  readonly latency: LatencyView | null;
}

/** All that `nicshare top` shows of one interval. Rates are a second. */
export interface TopView {
  /** ISO 8601. */
  readonly time: string;
  readonly dispatcher: {
    readonly pid: number;
    readonly uptimeSeconds: number;
    /** Processors that it took: 1 is one of them all the time; null where it cannot be seen. */
    readonly processor: number | null;
    readonly memory: { readonly budget: number; readonly used: number };
  };
  readonly device: {
    readonly interface: string;
    readonly driver: string;
    readonly mode: string;
    readonly rxPackets: number;
    readonly rxBits: number;
    readonly txPackets: number;
    readonly drops: Rates;
    readonly rings: readonly RingView[];
  };
  /** The kernel's interface that gets what no queue takes; null where there is none. */
  readonly exception: {
    readonly interface: string;
    readonly toKernel: number;
    readonly fromKernel: number;
    readonly drops: Rates;
  } | null;
  readonly queues: readonly QueueView[];
}

/** The rings' counts are taken modulo 2^32. */
const grown = (before: number, after: number): number => (after - before) >>> 0;

function ringViews({ before, after, seconds }: Sample): RingView[] {
  const earlier = before.deviceCounters.rings ?? [];
  return (after.deviceCounters.rings ?? []).map((now, ring) => {
    const { rxSize, rxWaiting, rxFree, txSize, txWaiting } = now;
    const then = earlier[ring] ?? now;
    return {
      ring,
      rxPackets: grown(then.rxPackets, now.rxPackets) / seconds,
      rxSize,
      rxWaiting,
      rxFree,
      txPackets: grown(then.txPackets, now.txPackets) / seconds,
      txSize,
      txWaiting,
    };
  });
}

/** Those that are one number. */
type PlaneCounter = Exclude<keyof PlaneCounters, 'exceptionDropped'>;

/** What came of an interval that ended at `time`. */
export function topView(sample: Sample, time: Date): TopView {
  const { before, after, seconds, processorSeconds } = sample;
  const { device, plane, deviceCounters } = after;
  const taken = processorSeconds.get(after.pid);
  const rates = queueRates(sample);
  const rate = (counter: PlaneCounter): number => (plane[counter] - before.plane[counter]) / seconds;
  return {
    time: time.toISOString(),
    dispatcher: {
      pid: after.pid,
      uptimeSeconds: after.uptimeSeconds,
      processor: taken === undefined ? null : taken / seconds,
      memory: after.memory,
    },
    device: {
      interface: device.interface,
      driver: device.driver,
      mode: device.mode,
      rxPackets: rate('received'),
      rxBits: rate('receivedBytes') * 8,
      txPackets: rate('sent'),
      drops: {
        ...rateOfEach(before.deviceCounters.rxDropped, deviceCounters.rxDropped, seconds),
        ...rateOfEach(before.deviceCounters.txDropped, deviceCounters.txDropped, seconds),
        notPassed: rate('notPassed'),
        unmatchedDropped: rate('unmatchedDropped'),
      },
      rings: ringViews(sample),
    },
    exception:
      device.exceptionInterface === undefined
        ? null
        : {
            interface: device.exceptionInterface,
            toKernel: rate('exceptionToKernel'),
            fromKernel: rate('exceptionFromKernel'),
            drops: rateOfEach(before.plane.exceptionDropped, plane.exceptionDropped, seconds),
          },
    queues: after.queues.map((queue, index) => {
      const earlier = before.queues.find(({ name }) => name === queue.name) ?? queue;
      return {
        name: queue.name,
        mode: queue.mode,
        ...rates[index]!,
        client: clientView(sample, earlier, queue),
        latency: latencyView(earlier, queue),
      };
    }),
  };
}
