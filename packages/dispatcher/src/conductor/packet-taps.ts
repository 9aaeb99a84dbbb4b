import { type Arena, layout, type SessionShape, sessionShape } from '@nicshare/shm';
import { groupId, userId } from '../config/accounts.js';
import type { DispatcherConfig } from '../config/schema.js';
import type { FilterProgram } from '../dataplane/filter-program.js';
import type { TapPlacement } from '../dataplane/messages.js';
import { MAX_TAPS } from '../dataplane/tables.js';
import type { ClientSession, SessionKind } from './client-session.js';
import type { Queue } from './queue.js';
import * as refusals from './refusals.js';
import { RegionStock } from './region-stock.js';

/** Records that wait for a reader: enough for the pauses of one that is written in JavaScript. */
const RECORDS = 8192;

/** The sizes of a tap's session: it sends nothing. */
export const tapShape = ({ memory }: DispatcherConfig): SessionShape =>
  sessionShape({
    mode: 'isolated',
    ringSize: RECORDS,
    frameSize: memory.frameSize,
    rxFrames: RECORDS,
    txFrames: layout.MIN_RING_SIZE,
  });

/** What somebody wants to tap. */
export interface TapWish {
  /** undefined: all packets of the device. */
  readonly queue: Queue | undefined;
  readonly snaplen: number;
  /** A checked program; empty: all packets are wanted. */
  readonly filter: FilterProgram;
}

/** A tap that stands. */
export class PacketTap {
  readonly index: number;
  readonly wish: TapWish;
  readonly name: string;
  violations = 0;
  /** Once the dataplane serves it. */
  session: ClientSession | undefined;
  readonly #free: () => void;

  constructor(index: number, wish: TapWish, free: () => void) {
    this.index = index;
    this.wish = wish;
    this.name = wish.queue ? `tap of ${wish.queue.config.name}` : 'tap of the device';
    this.#free = free;
  }

  /** The tap's session has ended. */
  leave(): void {
    this.#free();
  }

  placement(session: ClientSession): TapPlacement {
    const { queue, snaplen, filter } = this.wish;
    const room = session.shape.frameSize - layout.TAP_PACKET;
    return {
      ...session.placement(),
      index: this.index,
      queue: queue?.index ?? null,
      snaplen: Math.min(snaplen, room),
      filter,
    };
  }
}

/** The few taps that a dataplane serves, and who may have one: it shows what others receive and send. */
export class PacketTaps {
  readonly kind: SessionKind;
  readonly #taps = new Map<number, PacketTap>();
  readonly #users: ReadonlySet<number>;
  readonly #groups: ReadonlySet<number>;

  constructor(config: DispatcherConfig, arena: Arena) {
    const { users = [], groups = [] } = config.capture?.allow ?? {};
    this.#users = new Set([0, process.getuid!(), ...users.map(userId)]);
    this.#groups = new Set(groups.map(groupId));
    const shape = tapShape(config);
    const stock = new RegionStock(arena, shape, config.memory.hugepages, () => 0);
    this.kind = { shape, stock, sampled: false, lending: undefined };
  }

  get standing(): PacketTap[] {
    return [...this.#taps.values()];
  }

  allows(uid: number, groups: readonly number[]): boolean {
    return this.#users.has(uid) || groups.some((group) => this.#groups.has(group));
  }

  /** Takes one of the dataplane's taps until its `leave`. Throws NicshareError TooManyTaps. */
  take(wish: TapWish): PacketTap {
    for (let index = 0; index < MAX_TAPS; index++) {
      if (this.#taps.has(index)) continue;
      const tap = new PacketTap(index, wish, () => this.#taps.delete(index));
      this.#taps.set(index, tap);
      return tap;
    }
    throw refusals.tooManyTaps(this.standing.map(({ session }) => session?.identity.pid));
  }
}
