import { maxMtuOf, umemBytes } from '@nicshare/driver';
import { layout, type SessionShape } from '@nicshare/shm';
import type { DispatcherConfig } from '../config/schema.js';
import { sessionShapes, spareFrames } from '../config/sharing.js';
import type { Needs } from './readings.js';

/** A session: two regions, a wake pair, its client's two connections, its process; and spares. */
const FILES_PER_QUEUE = 10;
/** A hardware ring: an AF_XDP socket and the memory of its frames. */
const FILES_PER_RING = 2;
/** V8 reserves this for the dispatcher's WebAssembly memory, whatever its size, and Node.js takes the rest. */
const ADDRESS_SPACE = 12 * 2 ** 30;
/** Node.js, the sockets that listen, the XDP program, and commands that ask. */
const OTHER_FILES = 128;

/** A session of each queue, in their order, as long as the budget lasts. */
function affordableSessions(config: DispatcherConfig): SessionShape[] {
  const shapes = sessionShapes(config);
  let left = config.memory.budget;
  return config.queues
    .map(({ mode }) => shapes[mode])
    .filter(({ dispatcherBytes, clientBytes }) => {
      left -= dispatcherBytes + clientBytes;
      return left >= 0;
    });
}

/** What a configuration takes, on an interface of so many receive queues, with a client on every queue. */
export function needsOf(config: DispatcherConfig, rxQueues: number): Needs {
  const { device, memory, queues } = config;
  const { frameSize, deviceRingSize } = memory;
  const rings =
    device.driver === 'af_xdp' ? Math.min(rxQueues, device.rings === 'all' ? rxQueues : device.rings) : 0;
  const umem = umemBytes({ frameSize, ringSize: deviceRingSize, spareFrames: spareFrames(config) });
  const pages = (bytes: number): number => Math.ceil(bytes / layout.REGION_ALIGNMENT);
  const sessions = affordableSessions(config).map(({ dispatcherBytes }) => pages(dispatcherBytes));
  return {
    driver: device.driver,
    rings,
    lockedMemory: rings * umem,
    hugepages: rings * pages(umem) + sessions.reduce((sum, count) => sum + count, 0),
    hugepagePolicy: memory.hugepages,
    openFiles: OTHER_FILES + rings * FILES_PER_RING + queues.length * FILES_PER_QUEUE,
    addressSpace: ADDRESS_SPACE,
    maxMtu: maxMtuOf(frameSize),
    largestMaxMtu: maxMtuOf(layout.MAX_FRAME_SIZE),
  };
}
