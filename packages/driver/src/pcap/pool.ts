import { createOwnRegion, destroyRegion, NicshareError, type Region } from '@nicshare/shm';
import type { DeviceContext } from '../device.js';
import { BATCH_ENTRY, BATCH_LENGTH, BATCH_OFFSET } from '../tables.js';
import { WRITER_BYTES } from './capture/blocks.js';
import { readCapture } from './capture/read.js';
import { isReplayable } from './survey.js';

const TIME_BYTES = 8;
const LENGTH_BYTES = 4;
const MIB = 2 ** 20;

/** Memory that each packet of a capture takes. */
const packetBytes = (frameSize: number): number => frameSize + BATCH_ENTRY + TIME_BYTES;

/**
 * All memory of a pcap device, one region: the frames with the capture's packets, a batch entry and a due time for
 * each of them, TX frames and the lengths of the packets in them, and the recording's buffer. Offsets are the arena's.
 */
export class ReplayPool {
  packets = 0;
  readonly txFrames: number;
  readonly entries: number;
  readonly due: number;
  readonly txPool: number;
  readonly txLengths: number;
  readonly recordBuffer: number;
  readonly #context: DeviceContext;
  readonly region: Region;

  /** Room for `packets`. Throws NicshareError OutOfMemory. */
  constructor(packets: number, context: DeviceContext) {
    const { frameSize, ringSize } = context;
    const parts = [
      packets * frameSize,
      ringSize * frameSize,
      packets * BATCH_ENTRY,
      packets * TIME_BYTES,
      WRITER_BYTES,
      ringSize * LENGTH_BYTES,
    ];
    const total = parts.reduce((sum, bytes) => sum + bytes, 0);
    this.#context = context;
    this.region = createOwnRegion(context.arena, 'nicshare-pcap', total, context.hugepages);
    let next = this.region.offset + parts[0]!;
    const place = (part: number): number => {
      const offset = next;
      next += parts[part]!;
      return offset;
    };
    this.txFrames = ringSize;
    this.txPool = place(1);
    this.entries = place(2);
    this.due = place(3);
    this.recordBuffer = place(4);
    this.txLengths = place(5);
  }

  /** Takes over at most `most` packets of a capture, each due at the time it was recorded, from the first one on. */
  load(path: string, most: number): void {
    const { arena, frameSize } = this.#context;
    const bytes = new Uint8Array(arena.memory.buffer);
    const view = new DataView(arena.memory.buffer);
    const due = this.dueTimes(most);
    let first: bigint | undefined;
    let latest = 0;
    readCapture(path, (packet) => {
      if (this.packets === most || !isReplayable(packet, frameSize)) return;
      const frame = this.region.offset + this.packets * frameSize;
      bytes.set(packet.bytes, frame);
      const entry = this.entries + this.packets * BATCH_ENTRY;
      view.setUint32(entry + BATCH_OFFSET, frame, true);
      view.setUint32(entry + BATCH_LENGTH, packet.capturedLength, true);
      if (packet.time !== undefined) {
        first ??= packet.time;
        // Order decides where a clock was set back while the capture was made.
        latest = Math.max(latest, Number(packet.time - first));
      }
      due[this.packets++] = latest;
    });
  }

  /** When each packet is due, in nanoseconds from the start of a pass. */
  dueTimes(packets = this.packets): Float64Array {
    return new Float64Array(this.#context.arena.memory.buffer, this.due, packets);
  }

  /** Which packet the batch entry at an arena offset names. */
  packetAt(entry: number): number {
    const { arena, frameSize } = this.#context;
    const [frame] = new Uint32Array(arena.memory.buffer, entry + BATCH_OFFSET, 1);
    return Math.floor((frame! - this.region.offset) / frameSize);
  }

  destroy(): void {
    destroyRegion(this.#context.arena, this.region);
  }
}

/** Throws NicshareError OutOfMemory where so many packets take more than `limit` bytes. */
export function requireRoom(path: string, packets: number, frameSize: number, limit: number): void {
  const bytes = packets * packetBytes(frameSize);
  if (bytes <= limit) return;
  const needed = Math.ceil(bytes / MIB);
  throw new NicshareError(
    'OutOfMemory',
    `The ${packets} packets of ${path} take ${needed} MiB in frames of ${frameSize} bytes, more than device.memory allows (${limit} bytes).`,
    `Set device.memory to ${needed}MiB, or take a part of the capture (tcpdump -r ${path} -c ${Math.floor(limit / packetBytes(frameSize))} -w PART).`,
  );
}
