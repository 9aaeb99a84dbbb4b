import type { PacketTap, TapBatch } from '@nicshare/client';
import { dropReason } from '@nicshare/client';
import {
  BlockBuffer,
  encodeOptions,
  pcapngFormat as F,
  type PacketKind,
  WRITER_BYTES,
} from '@nicshare/driver/pcapng';
import { layout } from '@nicshare/shm';

interface Counts {
  received: number;
  delivered: number;
}

/**
 * A tap's packets as a pcapng section: its queues are the interfaces, and the device is one for packets that no queue
 * takes. Direction, queue and the reason of a drop are options of each packet; times are in nanoseconds.
 */
export class TapRecords {
  readonly blocks: BlockBuffer;
  /** Packets that were added. */
  packets = 0;
  readonly #kinds = new Map<number, PacketKind>();
  /** Interface numbers by queue; the device's own comes last. */
  readonly #interfaces: ReadonlyMap<number, number>;
  readonly #counts: readonly Counts[];
  #timeHigh = 0;
  #timeLow = 0;

  /** `queue` is the tapped one's name; undefined where it is the whole device. The section's header is added. */
  constructor(tap: PacketTap, batch: TapBatch, queue: string | undefined, snaplen: number) {
    this.blocks = new BlockBuffer({
      bytes: new Uint8Array(WRITER_BYTES),
      area: 0,
      packets: batch.bytes,
    });
    const queues = [...tap.queues.keys()].filter(
      (index) => queue === undefined || tap.queues[index] === queue,
    );
    const shown = queue === undefined ? [...queues, layout.TAP_NO_QUEUE] : queues;
    this.#interfaces = new Map(shown.map((index, id) => [index, id]));
    this.#counts = shown.map(() => ({ received: 0, delivered: 0 }));
    this.blocks.section(
      shown.map((index) => ({
        name: tap.queues[index] ?? tap.device,
        snapLength: snaplen,
        nanoseconds: true,
      })),
    );
  }

  /** Counts packet `i` of a batch as one that came. */
  came(batch: TapBatch, i: number): void {
    this.#counts[this.#interfaces.get(batch.queue[i]!)!]!.received++;
    this.#timeHigh = batch.timeHigh[i]!;
    this.#timeLow = batch.timeLow[i]!;
  }

  /** Adds packet `i`, unless the blocks' buffer is full. */
  add(batch: TapBatch, i: number): void {
    const kind = this.#kind(batch.queue[i]!, batch.direction[i]!, batch.outcome[i]!);
    this.blocks.packet(
      batch.offset[i]!,
      batch.length[i]!,
      batch.originalLength[i]!,
      batch.timeHigh[i]!,
      batch.timeLow[i]!,
      kind,
    );
    this.#counts[kind.interface]!.delivered++;
    this.packets++;
  }

  /** Adds the statistics; those that the tap missed stand at the last interface, for nobody knows whose they were. */
  end(missed: number): void {
    this.#counts.forEach(({ received, delivered }, id) => {
      const dropped = id === this.#counts.length - 1 ? missed : 0;
      const time = { timeHigh: this.#timeHigh, timeLow: this.#timeLow };
      this.blocks.statistics({ id, ...time }, { received: received + dropped, dropped, delivered });
    });
  }

  #kind(queue: number, direction: number, outcome: number): PacketKind {
    const key = queue | (direction << 16) | (outcome << 24);
    const known = this.#kinds.get(key);
    if (known) return known;
    const reason = dropReason(outcome);
    const options = [{ code: F.OPTION_PACKET_FLAGS, value: direction as number | string }];
    if (queue !== layout.TAP_NO_QUEUE) options.push({ code: F.OPTION_PACKET_QUEUE, value: queue });
    if (reason) options.push({ code: F.OPTION_COMMENT, value: `dropped: ${reason}` });
    const kind = { interface: this.#interfaces.get(queue)!, options: encodeOptions(options) };
    this.#kinds.set(key, kind);
    return kind;
  }
}
