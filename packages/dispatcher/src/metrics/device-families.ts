import type { RingStats } from '@nicshare/driver';
import type { DispatcherStats } from '../stats.js';
import { counter, type Family, gauge, type Samples } from './family.js';

const device =
  (value: (stats: DispatcherStats) => number): Family['samples'] =>
  (stats) => [[{ device: stats.device.interface }, value(stats)]];

const eachRing =
  (value: (ring: RingStats) => number): Family['samples'] =>
  (stats) =>
    (stats.deviceCounters.rings ?? []).map((ring, index) => [
      { device: stats.device.interface, ring: String(index) },
      value(ring),
    ]);

function deviceDrops({ device, deviceCounters }: DispatcherStats): Samples {
  const of = (direction: string, counts: Readonly<Record<string, number>>): Samples =>
    Object.entries(counts).map(([reason, count]) => [{ device: device.interface, direction, reason }, count]);
  return [...of('rx', deviceCounters.rxDropped), ...of('tx', deviceCounters.txDropped)];
}

const unclaimed = ({ device, plane }: DispatcherStats): Samples => [
  [{ device: device.interface, reason: 'not_passed' }, plane.notPassed],
  [{ device: device.interface, reason: 'unmatched' }, plane.unmatchedDropped],
];

const exceptionPackets = ({ device, plane }: DispatcherStats): Samples => [
  [{ device: device.interface, direction: 'to_kernel' }, plane.exceptionToKernel],
  [{ device: device.interface, direction: 'from_kernel' }, plane.exceptionFromKernel],
];

const exceptionDrops = ({ device, plane }: DispatcherStats): Samples =>
  Object.entries(plane.exceptionDropped).map(([reason, count]) => [
    { device: device.interface, reason },
    count,
  ]);

const deviceInfo = ({ device, pid }: DispatcherStats): Samples => {
  const { interface: name, driver, mode, mac, rules } = device;
  return [[{ device: name, driver, mode, mac, rules: rules.coverage, pid: String(pid) }, 1]];
};

const linkUp = ({ device, deviceCounters: { link } }: DispatcherStats): Samples =>
  link === undefined ? [] : [[{ device: device.interface }, link === 'up' ? 1 : 0]];

const WHOLE: readonly Family[] = [
  gauge(
    'device_info',
    'The device, in its labels.',
    ['device', 'driver', 'mode', 'mac', 'rules', 'pid'],
    deviceInfo,
  ),
  gauge(
    'device_link_up',
    'Whether the device has a carrier; missing where it has no cable.',
    ['device'],
    linkUp,
  ),
  counter(
    'device_received_packets',
    'Packets taken from the device.',
    ['device'],
    device(({ plane }) => plane.received),
  ),
  counter(
    'device_received_bytes',
    'Bytes of these packets.',
    ['device'],
    device(({ plane }) => plane.receivedBytes),
  ),
  counter(
    'device_sent_packets',
    'Packets handed to the device.',
    ['device'],
    device(({ plane }) => plane.sent),
  ),
  counter(
    'device_dropped_packets',
    'Packets that the device lost or refused.',
    ['device', 'direction', 'reason'],
    deviceDrops,
  ),
  counter(
    'unclaimed_packets',
    'Packets taken from the device that no queue wanted.',
    ['device', 'reason'],
    unclaimed,
  ),
  counter(
    'exception_packets',
    'Packets that no queue takes, given to the kernel, and packets that it sends (unmatched: tap).',
    ['device', 'direction'],
    exceptionPackets,
  ),
  counter(
    'exception_dropped_packets',
    'Packets lost on the way to the kernel or from it.',
    ['device', 'reason'],
    exceptionDrops,
  ),
];

const RING_LABELS = ['device', 'ring'];
const RINGS: readonly Family[] = [
  counter(
    'ring_received_packets',
    'Packets taken from the hardware ring; starts anew at 2^32.',
    RING_LABELS,
    eachRing((ring) => ring.rxPackets),
  ),
  counter(
    'ring_sent_packets',
    'Packets that the hardware ring has taken; starts anew at 2^32.',
    RING_LABELS,
    eachRing((ring) => ring.txPackets),
  ),
  gauge(
    'ring_rx_waiting_packets',
    'Packets that wait in the hardware ring.',
    RING_LABELS,
    eachRing((ring) => ring.rxWaiting),
  ),
  gauge(
    'ring_rx_size_packets',
    'Places of the hardware ring for received packets.',
    RING_LABELS,
    eachRing((ring) => ring.rxSize),
  ),
  gauge(
    'ring_rx_free_frames',
    'Frames that the device has to receive into.',
    RING_LABELS,
    eachRing((ring) => ring.rxFree),
  ),
  gauge(
    'ring_tx_waiting_packets',
    'Packets that wait to be sent.',
    RING_LABELS,
    eachRing((ring) => ring.txWaiting),
  ),
  gauge(
    'ring_tx_size_packets',
    'Places of the hardware ring for packets to send.',
    RING_LABELS,
    eachRing((ring) => ring.txSize),
  ),
];

/** The device and its hardware rings. */
export const DEVICE_FAMILIES: readonly Family[] = [...WHOLE, ...RINGS];
