import {
  type Arena,
  formatMac,
  type NicshareError,
  type PeerCredentials,
  type QueueMode,
  readSessionCounters,
  type SessionGrant,
  type SessionShape,
  type StackGrant,
} from '@nicshare/shm';
import { EventEmitter } from 'eventemitter3';
import { groupId, userId } from '../config/accounts.js';
import { type DispatcherConfig, sampleInterval } from '../config/schema.js';
import { creditOf, sessionShapes } from '../config/sharing.js';
import { requireFilter } from '../dataplane/filter-program.js';
import type { DataplaneHandle, OpenDevice } from '../dataplane/handle.js';
import { MAX_SESSIONS } from '../dataplane/tables.js';
import { pickupsOf } from '../latency/pickups.js';
import type { StackService } from '../stack/service.js';
import { Budget } from './budget.js';
import { ClientSession, type ServedQueue, type SessionKind } from './client-session.js';
import { watchDeath } from './death-watch.js';
import { type PacketTap, PacketTaps, type TapWish } from './packet-taps.js';
import { Queue } from './queue.js';
import * as refusals from './refusals.js';
import { RegionStock } from './region-stock.js';
import { RxWindow } from './rx-window.js';
import { Tokens } from './tokens.js';

/** Tokens that one connection may hold unclaimed. */
const MAX_REQUESTS = 64;

/** A control connection, as the Conductor sees it: who it is for, and how to tell it of an end. */
export interface Owner {
  /** The user at the other end. */
  readonly uid: number;
  sessionEnded(session: number, reason: NicshareError): void;
}

/** Sessions' memory that is made in advance. */
const MAX_SPARES = 2;

/** What a token stands for. */
interface Request {
  readonly wish: Queue | TapWish | 'stack';
  readonly owner: Owner;
}

interface Entry {
  readonly session: ClientSession;
  readonly place: Queue | PacketTap;
  readonly owner: Owner;
}

const sessionBytes = ({ dispatcherBytes, clientBytes }: SessionShape): number =>
  dispatcherBytes + clientBytes;

interface ConductorEvents {
  attached: [session: ClientSession];
  /** `reason` is undefined where the client left by itself. */
  detached: [session: ClientSession, reason: NicshareError | undefined];
}

/** What came of a claim: what the client is told, and its descriptors. */
export interface Claimed {
  readonly grant: SessionGrant | StackGrant;
  handOver(send: (descriptors: readonly number[]) => void): void;
  /** To be called where the client could not be told of it. */
  abandon(): Promise<void>;
}

/** The slow path: who may attach to what, and the life of every session. It never sees bytes of the wire. */
export class Conductor extends EventEmitter<ConductorEvents> {
  readonly queues: readonly Queue[];
  readonly budget: Budget;
  readonly stack: StackService;
  /** Frames that ledgers of ended sessions were off by; 0 unless we have a bug. */
  ledgerErrors = 0;
  readonly taps: PacketTaps;
  readonly #stocks: Readonly<Record<QueueMode, RegionStock>>;
  readonly #window: RxWindow;
  readonly #arena: Arena;
  readonly #dataplane: DataplaneHandle;
  readonly #device: OpenDevice;
  readonly #shapes: Readonly<Record<QueueMode, SessionShape>>;
  readonly #sampled: boolean;
  readonly #sessions = new Map<number, Entry>();
  readonly #slots = new Set<number>();
  readonly #tokens = new Tokens<Request>();
  #nextSession = 1;
  #closing = false;

  constructor(
    config: DispatcherConfig,
    arena: Arena,
    dataplane: DataplaneHandle,
    device: OpenDevice,
    stack: StackService,
  ) {
    super();
    this.stack = stack;
    this.#arena = arena;
    this.#dataplane = dataplane;
    this.#device = device;
    this.#shapes = sessionShapes(config);
    this.#window = new RxWindow(device.sharedRegions);
    this.#sampled = sampleInterval(config) > 0;
    this.budget = new Budget(config.memory.budget);
    this.queues = config.queues.map((queue, index) => {
      const { allow } = queue;
      return new Queue(
        queue,
        index,
        allow && { users: allow.users.map(userId), groups: allow.groups.map(groupId) },
      );
    });
    const stock = (mode: QueueMode): RegionStock =>
      new RegionStock(arena, this.#shapes[mode], config.memory.hugepages, () => this.#sparesWanted(mode));
    this.#stocks = { isolated: stock('isolated'), shared: stock('shared') };
    this.taps = new PacketTaps(config, arena);
    dataplane.on('violation', (slot, violation) => this.#punish(slot, violation));
  }

  /**
   * Gives a token for a queue that is free, good for one claim within a few seconds. It reserves nothing: who asks is
   * known at the claim alone, and one who may not attach must not keep others out.
   */
  async request(owner: Owner, name: string): Promise<string> {
    const queue = this.#named(name);
    await queue.session?.ending;
    if (queue.session) throw refusals.queueBusy(name, queue.session.identity.pid);
    return this.#issue({ wish: queue, owner });
  }

  /** The same for a tap of a queue's packets, or of all of the device's. Throws NicshareError FilterInvalid. */
  requestTap(
    owner: Owner,
    wish: { queue: string | null; snaplen: number; filter: readonly number[] },
  ): string {
    const { snaplen, filter } = wish;
    const queue = wish.queue === null ? undefined : this.#named(wish.queue);
    if (filter.length > 0) requireFilter(filter);
    return this.#issue({ wish: { queue, snaplen, filter }, owner });
  }

  /** As the kernel names it, where it has an interface. */
  get deviceName(): string {
    return this.#device.info.interface;
  }

  #named(name: string): Queue {
    const queue = this.queues.find((candidate) => candidate.config.name === name);
    if (queue) return queue;
    const names = this.queues.map((known) => known.config.name);
    throw refusals.noSuchQueue(name, names);
  }

  /** The same for the stack snapshot, which every client may have. Throws what StackService.start throws. */
  async requestStack(owner: Owner): Promise<string> {
    await this.stack.start();
    return this.#issue({ wish: 'stack', owner });
  }

  #issue(request: Request): string {
    if (this.#tokens.count(({ owner }) => owner === request.owner) >= MAX_REQUESTS)
      throw refusals.tooManyRequests();
    return this.#tokens.issue(request);
  }

  /** Makes the session that a token stands for. Throws NicshareError. */
  async claim(token: string, identity: PeerCredentials, groups: readonly number[]): Promise<Claimed> {
    const request = this.#tokens.redeem(token);
    if (!request) throw refusals.unknownToken();
    const { wish, owner } = request;
    if (wish === 'stack') return this.#claimStack();
    if (!(wish instanceof Queue)) return this.#claimTap(wish, owner, identity, groups);
    const { name } = wish.config;
    if (!wish.allows(identity.uid, groups)) throw refusals.notAllowed(name, identity.uid);
    if (wish.session) throw refusals.queueBusy(name, wish.session.identity.pid);
    const session = this.#create(wish, identity, this.#kindOf(wish));
    this.#sessions.set(session.id, { session, owner, place: wish });
    wish.session = session;
    return this.#admit(session, this.#dataplane.attach(session.placement()));
  }

  async #claimTap(
    wish: TapWish,
    owner: Owner,
    identity: PeerCredentials,
    groups: readonly number[],
  ): Promise<Claimed> {
    if (!this.taps.allows(identity.uid, groups)) throw refusals.mayNotTap(identity.uid);
    const place = this.taps.take(wish);
    const session = this.#createTap(place, identity);
    this.#sessions.set(session.id, { session, owner, place });
    const claimed = await this.#admit(session, this.#dataplane.tap(place.placement(session)));
    place.session = session;
    return claimed;
  }

  #createTap(place: PacketTap, identity: PeerCredentials): ClientSession {
    try {
      return this.#create({ index: place.index, config: { name: place.name } }, identity, this.taps.kind);
    } catch (error) {
      place.leave();
      throw error;
    }
  }

  /** Hands a session over once the dataplane serves it. */
  async #admit(session: ClientSession, served: Promise<void>): Promise<Claimed> {
    await served;
    if (session.ending) throw refusals.unknownToken();
    session.deathWatch = watchDeath(session.identity.pid, () => void this.#end(session, undefined));
    if (!session.deathWatch) void this.#end(session, undefined);
    this.emit('attached', session);
    return {
      grant: this.#grant(session),
      handOver: (send) => session.handOver(send),
      abandon: () => this.#end(session, undefined),
    };
  }

  #claimStack(): Claimed {
    return {
      grant: { type: 'stack' },
      handOver: (send) => this.stack.handOver(send),
      abandon: async () => {},
    };
  }

  /** Ends a session at its owner's wish. Throws NicshareError ProtocolViolation where it is not the owner's. */
  async detach(owner: Owner, id: number): Promise<void> {
    const entry = this.#sessions.get(id);
    if (entry?.owner !== owner) throw refusals.unknownSession(id);
    await this.#end(entry.session, undefined);
  }

  /** Ends all that a closed connection owned. */
  async ownerGone(owner: Owner): Promise<void> {
    this.#tokens.revoke((request) => request.owner === owner);
    this.stack.askerGone(owner);
    const own = [...this.#sessions.values()].filter((entry) => entry.owner === owner);
    await Promise.all(own.map(({ session }) => this.#end(session, undefined)));
  }

  /** Ends all sessions and tells their clients why; nobody can attach any more. */
  async close(reason: NicshareError): Promise<void> {
    this.#closing = true;
    this.stack.close();
    await Promise.all([...this.#sessions.values()].map(({ session }) => this.#end(session, reason)));
    for (const stock of Object.values(this.#stocks)) stock.close();
    this.taps.kind.stock.close();
    this.#window.close();
  }

  /** Spare regions are within the budget, and no more than there are queues of the mode without a client. */
  #sparesWanted(mode: QueueMode): number {
    const unattached = this.queues.filter((queue) => queue.config.mode === mode && !queue.session).length;
    const affordable = Math.floor((this.budget.limit - this.budget.used) / sessionBytes(this.#shapes[mode]));
    return Math.min(MAX_SPARES, unattached, affordable);
  }

  #kindOf({ config }: Queue): SessionKind {
    const { mode } = config;
    return {
      shape: this.#shapes[mode],
      stock: this.#stocks[mode],
      sampled: this.#sampled,
      lending: mode === 'shared' ? this.#window.lend(creditOf(config)) : undefined,
    };
  }

  #create(queue: ServedQueue, identity: PeerCredentials, kind: SessionKind): ClientSession {
    const slot = this.#freeSlot();
    const bytes = sessionBytes(kind.shape);
    this.budget.take(bytes);
    try {
      const session = new ClientSession({
        id: this.#nextSession,
        slot,
        queue,
        identity,
        kind,
        arena: this.#arena,
        window: this.#window,
      });
      this.#slots.add(slot);
      this.#nextSession++;
      return session;
    } catch (error) {
      this.budget.giveBack(bytes);
      throw error;
    }
  }

  #freeSlot(): number {
    for (let slot = 0; slot < MAX_SESSIONS; slot++) if (!this.#slots.has(slot)) return slot;
    throw refusals.tooManySessions();
  }

  #grant(session: ClientSession): SessionGrant {
    const { mode, ringSize, frameSize, rxFrames, txFrames } = session.shape;
    const { maxPacket, mac } = this.#device.info;
    return {
      type: 'session',
      session: session.id,
      queue: session.queue.config.name,
      trusted: session.trusted,
      mode,
      credit: session.credit,
      regions: mode === 'shared' ? this.#window.parts : [],
      ringSize,
      frameSize,
      rxFrames,
      txFrames,
      maxPacket,
      mac: formatMac(mac),
    };
  }

  #punish(slot: number, violation: number): void {
    const entry = [...this.#sessions.values()].find(({ session }) => session.slot === slot);
    if (!entry || entry.session.ending) return;
    entry.place.violations++;
    void this.#end(entry.session, refusals.ringViolation(violation));
  }

  #end(session: ClientSession, reason: NicshareError | undefined): Promise<void> {
    session.ending ??= this.#finish(session, reason);
    return session.ending;
  }

  async #finish(session: ClientSession, reason: NicshareError | undefined): Promise<void> {
    this.ledgerErrors += Math.abs(await this.#dataplane.detach(session.slot));
    session.markEnded();
    const memory = new DataView(this.#arena.memory.buffer);
    const { owner, place } = this.#sessions.get(session.id)!;
    const counters = readSessionCounters(memory, session.dispatcherRegion.offset);
    const pickups = pickupsOf(memory, session);
    this.#sessions.delete(session.id);
    this.#slots.delete(session.slot);
    if (reason) owner.sessionEnded(session.id, reason);
    // Where the dispatcher ends, clients keep what they have received; where a session ends, others need its memory.
    if (!this.#closing) session.reclaim();
    session.destroy();
    this.budget.giveBack(sessionBytes(session.shape));
    place.leave(counters, pickups);
    this.emit('detached', session, reason);
  }
}
