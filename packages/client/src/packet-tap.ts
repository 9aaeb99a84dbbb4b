import { setImmediate as nextTurn } from 'node:timers/promises';
import { layout, type NicshareError, readCounter, readSessionCounters } from '@nicshare/shm';
import type { Attachment } from './attachment.js';
import { TapBatch } from './packet-tap-batch.js';
import type { PortOwner, SessionParts } from './port.js';
import { Receiver } from './receiver.js';
import { type Condition, Wakeups } from './wakeups.js';

const ITERATOR_BATCH = 64;
/** Batches after which a `for await` lets the event loop have a turn though packets wait. */
const BATCHES_A_TURN = 16;

/** What `client.tap` takes. */
export interface TapOptions {
  /** The queue whose packets are wanted; without it those of the whole device. */
  readonly queue?: string;
  /** Bytes of each packet at most, 14 to 65535. A frame of the dispatcher less 16 bytes is the limit in any case. */
  readonly snaplen?: number;
  /**
   * Which packets are wanted: a classic BPF program as pcap_compile(3PCAP) makes it, two 32-bit words an instruction
   * (struct bpf_insn), at most 256 instructions. Without it all are.
   */
  readonly filter?: readonly number[];
}

/** Packets of a tap since it stands. Every packet that it was to show is in one of these. */
export interface TapCounters {
  /** Handed to the reader. */
  readonly captured: number;
  /** Not shown because the reader was too slow: its ring was full. */
  readonly tooSlow: number;
  /** Not shown because the dataplane had no time to copy them. */
  readonly skipped: number;
}

/**
 * Watches packets: copies of what a queue or the whole device receives and sends, in the order in which the dispatcher
 * saw them, with what became of each. It takes nothing from the clients: a reader that is too slow misses packets.
 */
export class PacketTap {
  /** The device's name. */
  readonly device: string;
  /** Names of all queues of the dispatcher, by the index that a batch's `queue` holds. */
  readonly queues: readonly string[];
  readonly #session: number;
  readonly #owner: PortOwner;
  readonly #attachment: Attachment;
  readonly #receiver: Receiver;
  readonly #wakeups: Wakeups;
  readonly #packets: Condition;
  #ended = false;
  #reason: NicshareError | undefined;

  constructor(parts: SessionParts, device: string, queues: readonly string[]) {
    this.device = device;
    this.queues = queues;
    this.#session = parts.grant.session;
    this.#owner = parts.owner;
    this.#attachment = parts.attachment;
    const receiver = new Receiver(parts.attachment, parts.debug);
    this.#receiver = receiver;
    this.#wakeups = new Wakeups(parts.wakeFd, parts.lost);
    this.#packets = {
      holds: () => receiver.readable,
      announceSleep: (epoch) => receiver.announceSleep(epoch),
    };
  }

  /** Why the tap ended; undefined while it stands, and after `close()`. */
  get detachedReason(): NicshareError | undefined {
    return this.#reason;
  }

  /** What the dispatcher has counted for this tap; all zero after `close()`. */
  get counters(): TapCounters {
    const { buffer, dispatcherRegion } = this.#attachment;
    const memory = new DataView(buffer);
    const { rxPackets, rxDropRingFull, rxDropNoFrame } = readSessionCounters(memory, dispatcherRegion);
    const skipped = dispatcherRegion + layout.COUNTERS + layout.COUNTER_TAP_SKIPPED * 8;
    return {
      captured: rxPackets,
      tooSlow: rxDropRingFull + rxDropNoFrame,
      skipped: readCounter(memory, skipped),
    };
  }

  /** A batch to read into, to be made once. */
  createBatch(capacity = ITERATOR_BATCH): TapBatch {
    return new TapBatch(this.#attachment.rxBytes(), capacity, this.queues);
  }

  /**
   * Takes packets that wait into an empty batch and returns their count. Never blocks, allocates nothing. Throws
   * NicshareError InvalidArgument where the batch is not empty.
   */
  rxBurst(batch: TapBatch): number {
    const count = this.#receiver.rxBurst(batch);
    batch.open();
    return count;
  }

  /** Gives a batch's frames back; the batch is empty then. */
  release(batch: TapBatch): void {
    batch.shut();
    this.#receiver.release(batch);
  }

  /** Resolves with true when packets wait, with false when the tap has ended and all were taken. */
  readable(): Promise<boolean> {
    return this.#wakeups.wait(this.#packets);
  }

  /** Yields packets, always in the same batch, which is released at the next turn: copy what you keep. */
  async *[Symbol.asyncIterator](): AsyncGenerator<TapBatch, void, undefined> {
    const batch = this.createBatch();
    let batches = 0;
    try {
      while (this.rxBurst(batch) > 0 || (await this.readable())) {
        if (batch.count === 0) continue;
        yield batch;
        this.release(batch);
        if (++batches % BATCHES_A_TURN === 0) await nextTurn();
      }
    } finally {
      this.release(batch);
    }
  }

  /** Ends the tap. Views of its packets read zeros from now on. Idempotent. */
  async close(): Promise<void> {
    if (!this.#ended) {
      this.end(undefined);
      await this.#owner.detach(this.#session);
    }
    this.#attachment.unmap();
  }

  /** Ends it from the client's side of the control channel; packets that have come stay readable. */
  end(reason: NicshareError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#reason = reason;
    this.#wakeups.end();
  }
}
