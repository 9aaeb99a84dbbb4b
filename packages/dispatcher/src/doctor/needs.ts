import { maxMtuOf, umemBytes } from '@nicshare/driver';
import { layout } from '@nicshare/shm';
import { configuredShape } from '../conductor/conductor.js';
import type { DispatcherConfig } from '../config/schema.js';
import type { Needs } from './readings.js';

/** A session: two regions, a wake pair, its client's two connections, its process; and spares. */
const FILES_PER_QUEUE = 10;
/** A hardware ring: an AF_XDP socket and the memory of its frames. */
const FILES_PER_RING = 2;
/** Node.js, the sockets that listen, the XDP program, and commands that ask. */
const OTHER_FILES = 128;

/** What a configuration takes, on an interface of so many receive queues, with a client on every queue. */
export function needsOf(config: DispatcherConfig, rxQueues: number): Needs {
  const { device, memory, queues } = config;
  const { frameSize, deviceRingSize } = memory;
  const rings =
    device.driver === 'af_xdp' ? Math.min(rxQueues, device.rings === 'all' ? rxQueues : device.rings) : 0;
  const umem = umemBytes({ frameSize, ringSize: deviceRingSize });
  const shape = configuredShape(config);
  const affordable = Math.floor(memory.budget / (shape.dispatcherBytes + shape.clientBytes));
  const sessions = Math.min(queues.length, affordable);
  const pages = (bytes: number): number => Math.ceil(bytes / layout.REGION_ALIGNMENT);
  return {
    driver: device.driver,
    rings,
    lockedMemory: rings * umem,
    hugepages: rings * pages(umem) + sessions * pages(shape.dispatcherBytes),
    hugepagePolicy: memory.hugepages,
    openFiles: OTHER_FILES + rings * FILES_PER_RING + queues.length * FILES_PER_QUEUE,
    maxMtu: maxMtuOf(frameSize),
    largestMaxMtu: maxMtuOf(layout.MAX_FRAME_SIZE),
  };
}
