import { NicshareError } from '@nicshare/shm';
import { MAX_QUEUE_SIZE, VIRTQUEUE_AVAILABLE, VIRTQUEUE_USED } from './queue-memory.js';
import * as R from './registers.js';
import type { Transport } from './transport.js';

/** A queue that the card knows; it looks there once the driver is ready. */
export interface Virtqueue {
  readonly number: number;
  /** Buffers; a power of two. */
  readonly size: number;
  /** Where it is told of buffers, by an offset in the arena. */
  readonly notifyAt: number;
}

const failed = (what: string): NicshareError =>
  new NicshareError('DeviceFailed', `The virtio-net card ${what}.`, 'Update what provides it.');

/** Largest size that the card and we agree on. Throws NicshareError DeviceFailed. */
export function queueSize({ common }: Transport, number: number, wanted: number): number {
  common.write16(R.QUEUE_SELECT, number);
  const most = common.read16(R.QUEUE_SIZE);
  if (most < 4 || (most & (most - 1)) !== 0)
    throw failed(`has no queue ${number} of a usable size (${most})`);
  return Math.min(most, wanted, MAX_QUEUE_SIZE);
}

/**
 * Sets up a queue in memory that the card reaches at `iova` (4.1.5.1.3); `vector`: of its interrupt. Throws
 * NicshareError DeviceFailed.
 */
export function setUpQueue(
  transport: Transport,
  { number, size, iova, vector }: { number: number; size: number; iova: number; vector?: number | undefined },
): Virtqueue {
  const { common } = transport;
  common.write16(R.QUEUE_SELECT, number);
  common.write16(R.QUEUE_SIZE, size);
  common.write64(R.QUEUE_DESC, iova);
  common.write64(R.QUEUE_DRIVER, iova + VIRTQUEUE_AVAILABLE);
  common.write64(R.QUEUE_DEVICE, iova + VIRTQUEUE_USED);
  common.write16(R.QUEUE_MSIX_VECTOR, vector ?? R.NO_VECTOR);
  if (vector !== undefined && common.read16(R.QUEUE_MSIX_VECTOR) !== vector)
    throw failed(`has no interrupt for its queue ${number}`);
  const notifyAt = transport.notifyAddress(common.read16(R.QUEUE_NOTIFY_OFF));
  common.write16(R.QUEUE_ENABLE, 1);
  return { number, size, notifyAt };
}
