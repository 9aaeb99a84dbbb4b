/* How a virtqueue lies in memory that the card reaches: descriptors, available ring, used ring (virtio 1.2, 2.7). */

export const MAX_QUEUE_SIZE = 4096;
const DESCRIPTOR = 16;
/** Of an available ring: flags, index, used_event, and 2 bytes a buffer. */
const AVAILABLE_BYTES = 16384;

export const VIRTQUEUE_AVAILABLE = MAX_QUEUE_SIZE * DESCRIPTOR;
export const VIRTQUEUE_USED = VIRTQUEUE_AVAILABLE + AVAILABLE_BYTES;
/** Of a whole queue; at multiples of it none lies across two pages. */
export const VIRTQUEUE_BYTES = 131072;
