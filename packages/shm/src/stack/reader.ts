import { NicshareError } from '../errors.js';
import * as S from '../stack-layout.js';
import { type AddressWords, isIpv4, isZero } from './addresses.js';
import { neighbourSlot } from './hash.js';
import { type Fitness, fitness, fitter } from './source-choice.js';

const CELL = 2;
const NAME_CELLS = S.NAME_BYTES >> CELL;
/** Far longer than any writing takes: beyond it the writer has died. */
const PATIENCE_MS = 1000;
const SPINS = 10_000;

const writerDied = (): NicshareError =>
  new NicshareError(
    'DispatcherStopped',
    'The dispatcher has stopped while it wrote to the stack snapshot.',
    'Start it again, then connect again.',
  );

/** What a look into the snapshot found; reused by every look. */
export interface Found {
  /** KIND_* of the route. */
  kind: number;
  /** The next hop's address, also where its neighbour is not known. */
  readonly nextHop: AddressWords;
  readonly source: AddressWords;
  mtu: number;
  /** The next hop's MAC address is in `macLow` and `macHigh`: see stack-layout.ts. */
  known: boolean;
  macLow: number;
  macHigh: number;
  /** The neighbour's state (NUD_*), 0 where the table has none or the destination needs none. */
  state: number;
}

/** Reads the snapshot that begins at byte `base` of a memory. Nothing is allocated by `find` for IPv4. */
export class StackReader {
  readonly #cells: Int32Array;
  /** The same cells, for plain loads. */
  readonly #words: Uint32Array;
  /** Nobody else's: written only to keep loads in order. */
  readonly #fence = new Int32Array(new SharedArrayBuffer(4));
  readonly #base: number;
  readonly found: Found = {
    kind: 0,
    nextHop: new Uint32Array(4),
    source: new Uint32Array(4),
    mtu: 0,
    known: false,
    macLow: 0,
    macHigh: 0,
    state: 0,
  };
  /** The interface that the route found leads through. */
  readonly #through = new Uint32Array(NAME_CELLS);
  readonly #candidate = new Uint32Array(4);

  constructor(buffer: ArrayBufferLike, base: number) {
    this.#cells = new Int32Array(buffer);
    this.#words = new Uint32Array(buffer);
    this.#base = base >> CELL;
  }

  get generation(): number {
    return Atomics.load(this.#cells, this.#base + (S.GENERATION >> CELL)) >>> 0;
  }

  /** Name of the mirrored interface. */
  get interfaceName(): string {
    return this.#text(this.consistent(() => this.#several(S.INTERFACE_NAME, NAME_CELLS)));
  }

  /** Name of the interface that the route of the last `find` leads through. */
  get through(): string {
    return this.#text([...this.#through]);
  }

  /** Finds the route to a destination and the next hop's neighbour, both of one generation. Throws DispatcherStopped. */
  find(destination: AddressWords): Found {
    for (;;) {
      const before = this.#settled();
      this.#find(destination);
      if (this.#isStill(before)) return this.found;
    }
  }

  /** Reads what is of one generation; `read` may run several times. Throws NicshareError DispatcherStopped. */
  consistent<T>(read: () => T): T {
    for (;;) {
      const before = this.#settled();
      const result = read();
      if (this.#isStill(before)) return result;
    }
  }

  /** One cell of the snapshot, at a byte offset; of several, call within `consistent`. */
  cell(offset: number): number {
    return this.#load(offset);
  }

  /** Reads four cells into `words`. */
  address(offset: number, words: AddressWords): AddressWords {
    for (let i = 0; i < 4; i++) words[i] = this.#load(offset + 4 * i);
    return words;
  }

  #load(offset: number): number {
    return this.#words[this.#base + (offset >> CELL)]!;
  }

  /**
   * Whether all that was read is of a generation. A load may run after a later atomic load, but not after an atomic
   * store, and that not after an atomic load: hence the store between.
   */
  #isStill(generation: number): boolean {
    Atomics.store(this.#fence, 0, 0);
    return this.generation === generation;
  }

  /** The generation, once nobody writes. */
  #settled(): number {
    let deadline = 0;
    for (let spins = 0; ; spins++) {
      const { generation } = this;
      if ((generation & 1) === 0) return generation;
      if (spins % SPINS !== SPINS - 1) continue;
      deadline ||= performance.now() + PATIENCE_MS;
      if (performance.now() > deadline) throw writerDied();
    }
  }

  #find(destination: AddressWords): void {
    const ipv4 = isIpv4(destination);
    if (this.#load(S.INTERFACE_INDEX) === 0) this.found.kind = S.KIND_NONE;
    else if (ipv4 ? isGroup4(destination[3]!) : destination[0]! >>> 24 === 0xff) this.#toGroup(destination);
    else this.#byRoute(destination, ipv4);
  }

  /** Groups are addressed without a neighbour, and always through the device: nobody asks for another interface. */
  #toGroup(destination: AddressWords): void {
    const { found } = this;
    found.kind = S.KIND_DEVICE;
    found.nextHop.set(destination);
    found.mtu = this.#load(S.INTERFACE_MTU);
    found.state = 0;
    found.known = true;
    if (isIpv4(destination)) {
      const address = destination[3]!;
      this.#setSource4(this.#load(S.INTERFACE_SOURCE));
      if (address === 0xffffffff) return this.#setMac(0xffffffff, 0xffff);
      // 01:00:5e and the last 23 bits (RFC 1112, section 6.4).
      const low = 0x5e0001 | ((((address >>> 16) & 0x7f) << 24) >>> 0);
      return this.#setMac(low >>> 0, ((address >>> 8) & 0xff) | ((address & 0xff) << 8));
    }
    this.#chooseSource(destination);
    // 33:33 and the last 32 bits (RFC 2464, section 7).
    const last = destination[3]!;
    const low = 0x3333 | ((last >>> 24) << 16) | (((last >>> 16) & 0xff) << 24);
    this.#setMac(low >>> 0, ((last >>> 8) & 0xff) | ((last & 0xff) << 8));
  }

  #byRoute(destination: AddressWords, ipv4: boolean): void {
    const { found } = this;
    const number = ipv4 ? this.#route4(destination[3]!) : this.#route6(destination);
    const route = S.ROUTES + number * S.ROUTE_BYTES;
    found.kind = this.#load(route + S.ROUTE_KIND);
    found.known = false;
    found.state = 0;
    for (let i = 0; i < NAME_CELLS; i++) this.#through[i] = this.#load(route + S.ROUTE_INTERFACE + 4 * i);
    if (found.kind !== S.KIND_DEVICE && found.kind !== S.KIND_BROADCAST) return;
    found.mtu = this.#load(route + S.ROUTE_MTU);
    this.address(route + S.ROUTE_GATEWAY, found.nextHop);
    if (isZero(found.nextHop)) found.nextHop.set(destination);
    this.address(route + S.ROUTE_SOURCE, found.source);
    if (isZero(found.source)) this.#chooseSource(destination);
    if (found.kind === S.KIND_DEVICE) return this.#findNeighbour(found.nextHop);
    found.known = true;
    this.#setMac(0xffffffff, 0xffff);
  }

  /** The route of the last range that begins at or before the address. */
  #route4(address: number): number {
    let low = 0;
    let high = this.#bounded(S.COUNT_RANGES4);
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#load(S.RANGES4_START + middle * 4) <= address) low = middle;
      else high = middle;
    }
    return this.#routeNumber(S.RANGES4_ROUTE + low * 4);
  }

  #route6(address: AddressWords): number {
    let low = 0;
    let high = this.#bounded(S.COUNT_RANGES6);
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#beginsBefore(S.RANGES6_START + middle * 16, address)) low = middle;
      else high = middle;
    }
    return this.#routeNumber(S.RANGES6_ROUTE + low * 4);
  }

  #beginsBefore(start: number, address: AddressWords): boolean {
    for (let i = 0; i < 4; i++) {
      const word = this.#load(start + 4 * i);
      if (word !== address[i]) return word < address[i]!;
    }
    return true;
  }

  /** While it is written to, the snapshot may hold anything: what is read must lead nowhere else. */
  #bounded(offset: number): number {
    return Math.min(this.#load(offset), S.MAX_RANGES);
  }

  #routeNumber(offset: number): number {
    return Math.min(this.#load(offset), 2 * S.MAX_ROUTES);
  }

  #findNeighbour(address: AddressWords): void {
    const { found } = this;
    let slot = neighbourSlot(address);
    for (let probes = 0; probes < S.NEIGHBOUR_SLOTS; probes++) {
      const at = S.NEIGHBOURS + slot * S.NEIGHBOUR_BYTES;
      const high = this.#load(at + S.NEIGHBOUR_MAC_HIGH);
      if (high >>> 16 === 0) return;
      if (
        this.#load(at + 12) === address[3] &&
        this.#load(at + 8) === address[2] &&
        this.#load(at + 4) === address[1] &&
        this.#load(at) === address[0]
      ) {
        found.state = high >>> 16;
        found.known = (found.state & S.NUD_VALID) !== 0;
        return this.#setMac(this.#load(at + S.NEIGHBOUR_MAC_LOW), high & 0xffff);
      }
      slot = (slot + 1) & (S.NEIGHBOUR_SLOTS - 1);
    }
  }

  #setMac(low: number, high: number): void {
    this.found.macLow = low;
    this.found.macHigh = high;
  }

  #setSource4(address: number): void {
    const { source } = this.found;
    source[0] = source[1] = 0;
    source[2] = 0xffff;
    source[3] = address;
  }

  /** RFC 6724 over the interface's addresses; :: where it has none. */
  #chooseSource(destination: AddressWords): void {
    const { source } = this.found;
    source.fill(0);
    const count = Math.min(this.#load(S.COUNT_ADDRESSES), S.MAX_ADDRESSES);
    let best: Fitness | undefined;
    for (let i = 0; i < count; i++) {
      const at = S.ADDRESSES + i * S.ADDRESS_BYTES;
      const flags = this.#load(at + S.ADDRESS_FLAGS);
      const candidate = this.address(at, this.#candidate);
      if ((flags & S.ADDRESS_USABLE) === 0 || isIpv4(candidate)) continue;
      const its = fitness(candidate, this.#load(at + S.ADDRESS_PREFIX), flags, destination);
      if (!fitter(its, best)) continue;
      best = its;
      source.set(candidate);
    }
  }

  #several(offset: number, count: number): number[] {
    return Array.from({ length: count }, (_, i) => this.#load(offset + 4 * i));
  }

  #text(words: readonly number[]): string {
    const bytes = Buffer.from(new Uint32Array(words).buffer);
    const end = bytes.indexOf(0);
    return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
  }
}

/** Multicast (RFC 1112) or the limited broadcast (RFC 919). */
const isGroup4 = (address: number): boolean => address >>> 28 === 0xe || address === 0xffffffff;
