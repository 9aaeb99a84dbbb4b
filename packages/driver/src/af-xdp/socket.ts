import type { Arena, HugepagePolicy, Region } from '@nicshare/shm';
import { ceilPowerOfTwo, createOwnRegion, destroyRegion } from '@nicshare/shm';
import * as sys from '@nicshare/shm/sys';
import type { RingStats } from '../device.js';
import { readRingStats } from '../ring-stats.js';

/*
 * AF_XDP sockets (Documentation/networking/af_xdp.rst, linux/if_xdp.h) by bare system calls. A socket serves one
 * hardware queue and has a UMEM of its own: RX frames first, then TX frames.
 */

export const AF_XDP = 44;
const SOCK_RAW = 3;
const SOL_XDP = 283;

// Socket options.
const XDP_MMAP_OFFSETS = 1;
const XDP_RX_RING = 2;
const XDP_TX_RING = 3;
const XDP_UMEM_REG = 4;
const XDP_UMEM_FILL_RING = 5;
const XDP_UMEM_COMPLETION_RING = 6;
const XDP_STATISTICS = 7;
const XDP_OPTIONS = 8;
const XDP_OPTIONS_ZEROCOPY = 1;

// mmap(2) offsets of the rings.
const PGOFF_RX = 0;
const PGOFF_TX = 0x80000000;
const PGOFF_FILL = 0x100000000;
const PGOFF_COMPLETION = 0x180000000;

const DESCRIPTOR_BYTES = 16;
const ADDRESS_BYTES = 8;

// Flags of bind(2).
const XDP_COPY = 1 << 1;
const XDP_USE_NEED_WAKEUP = 1 << 3;

/** The kernel frees a closed socket's queue a little later: so often, and so long in between, bind asks again. */
const BIND_ATTEMPTS = 20;
const BIND_PAUSE_MS = 10;

export interface SocketShape {
  /** Bytes of a frame. */
  readonly frameSize: number;
  /** Entries of the RX ring. */
  readonly ringSize: number;
  /** RX frames; the fill ring has a slot for each. */
  readonly rxFrames: number;
  /** TX frames, and entries of the TX and completion rings; 0 for a socket that only receives. */
  readonly txFrames: number;
}

/** A ring of the kernel in the arena: offsets of its cursors, its flags and its entries. */
export interface KernelRing {
  readonly producer: number;
  readonly consumer: number;
  readonly flags: number;
  readonly entries: number;
  readonly size: number;
}

/** struct xdp_statistics: packets, except for what the names say. */
export interface SocketStatistics {
  readonly rxDropped: number;
  readonly rxInvalidDescriptors: number;
  readonly txInvalidDescriptors: number;
  readonly rxRingFull: number;
  /** How often the kernel found no frame in the fill ring. */
  readonly fillRingEmpty: number;
}

/** A raw AF_XDP socket's descriptor. Throws SystemError. */
export const newXdpSocket = (): number =>
  sys.check(sys.libc.socket(AF_XDP, SOCK_RAW | sys.SOCK_CLOEXEC, 0), 'socket(AF_XDP)');

function setOption(fd: number, option: number, value: Buffer, name: string): void {
  sys.check(sys.libc.setsockopt(fd, SOL_XDP, option, value, value.length), `setsockopt(${name})`);
}

function setRingSize(fd: number, option: number, entries: number, name: string): void {
  const value = Buffer.alloc(4);
  value.writeUInt32LE(entries);
  setOption(fd, option, value, name);
}

/** Gives a socket its RX ring; a socket map takes no socket without one. Throws SystemError. */
export const setRxRing = (fd: number, entries: number): void =>
  setRingSize(fd, XDP_RX_RING, entries, 'XDP_RX_RING');

function getOption(fd: number, option: number, bytes: number, name: string): Buffer {
  const value = Buffer.alloc(bytes);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes);
  sys.check(sys.libc.getsockopt(fd, SOL_XDP, option, value, length), `getsockopt(${name})`);
  return value;
}

export class XdpSocket {
  readonly fd: number;
  readonly shape: SocketShape;
  readonly umem: Region;
  readonly rx: KernelRing;
  readonly fill: KernelRing;
  readonly completion: KernelRing;
  /** Missing where the socket only receives. */
  readonly tx: KernelRing | undefined;
  readonly #arena: Arena;
  readonly #mappings: number[] = [];

  /** Makes the socket, its UMEM and its rings, all RX frames in the fill ring; `bind` starts it. Throws SystemError. */
  constructor(arena: Arena, name: string, shape: SocketShape, hugepages: HugepagePolicy) {
    this.#arena = arena;
    this.shape = shape;
    this.fd = newXdpSocket();
    try {
      const bytes = (shape.rxFrames + shape.txFrames) * shape.frameSize;
      this.umem = createOwnRegion(arena, name, bytes, hugepages);
    } catch (error) {
      sys.libc.close(this.fd);
      throw error;
    }
    try {
      this.#register();
      const offsets = getOption(this.fd, XDP_MMAP_OFFSETS, 128, 'XDP_MMAP_OFFSETS');
      const ring = (index: number, size: number, entryBytes: number, pgoff: number): KernelRing =>
        this.#mapRing(offsets.subarray(index * 32), size, entryBytes, pgoff);
      this.rx = ring(0, shape.ringSize, DESCRIPTOR_BYTES, PGOFF_RX);
      this.tx = shape.txFrames > 0 ? ring(1, shape.txFrames, DESCRIPTOR_BYTES, PGOFF_TX) : undefined;
      this.fill = ring(2, this.#fillSize, ADDRESS_BYTES, PGOFF_FILL);
      this.completion = ring(3, this.#completionSize, ADDRESS_BYTES, PGOFF_COMPLETION);
      this.#fillAll();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * Joins the interface's queue; the kernel takes zero-copy where the driver has it, unless `copy`. Throws
   * SystemError: EBUSY where somebody has the queue.
   */
  bind(ifindex: number, queue: number, copy: boolean): void {
    const address = Buffer.alloc(16);
    address.writeUInt16LE(AF_XDP, 0);
    address.writeUInt16LE(XDP_USE_NEED_WAKEUP | (copy ? XDP_COPY : 0), 2);
    address.writeUInt32LE(ifindex, 4);
    address.writeUInt32LE(queue, 8);
    for (let attempt = 1; sys.libc.bind(this.fd, address, address.length) !== 0; attempt++) {
      const errno = sys.errno();
      if (errno !== sys.EBUSY || attempt === BIND_ATTEMPTS)
        throw new sys.SystemError(`bind(AF_XDP, queue ${queue})`, errno);
      sys.libc.poll(null, 0, BIND_PAUSE_MS);
    }
  }

  /** Whether the driver receives into our frames itself; known after bind. */
  get zeroCopy(): boolean {
    return (getOption(this.fd, XDP_OPTIONS, 4, 'XDP_OPTIONS').readUInt32LE(0) & XDP_OPTIONS_ZEROCOPY) !== 0;
  }

  statistics(): SocketStatistics {
    const value = getOption(this.fd, XDP_STATISTICS, 48, 'XDP_STATISTICS');
    const counter = (index: number): number => Number(value.readBigUInt64LE(index * 8));
    return {
      rxDropped: counter(0),
      rxInvalidDescriptors: counter(1),
      txInvalidDescriptors: counter(2),
      rxRingFull: counter(3),
      fillRingEmpty: counter(4),
    };
  }

  /** How full its rings are now. */
  ringStats(): RingStats {
    const cells = new Int32Array(this.#arena.memory.buffer);
    const inCells = ({ producer, consumer, size }: KernelRing) => ({
      producer: producer / 4,
      consumer: consumer / 4,
      size,
    });
    return readRingStats(cells, {
      rx: inCells(this.rx),
      fill: inCells(this.fill),
      tx: this.tx && inCells(this.tx),
    });
  }

  /** Ends the socket. The rings are unmapped first: a mapping would keep the queue taken. */
  close(): void {
    for (const mapping of this.#mappings.splice(0)) this.#arena.release(mapping);
    sys.libc.close(this.fd);
    destroyRegion(this.#arena, this.umem);
  }

  get #fillSize(): number {
    return ceilPowerOfTwo(this.shape.rxFrames);
  }

  /** The kernel wants a completion ring of every UMEM. */
  get #completionSize(): number {
    return Math.max(this.shape.txFrames, 2);
  }

  #register(): void {
    const { frameSize, ringSize, rxFrames, txFrames } = this.shape;
    const registration = Buffer.alloc(32);
    registration.writeBigUInt64LE(BigInt(this.#arena.base + this.umem.offset), 0);
    registration.writeBigUInt64LE(BigInt((rxFrames + txFrames) * frameSize), 8);
    registration.writeUInt32LE(frameSize, 16);
    setOption(this.fd, XDP_UMEM_REG, registration, 'XDP_UMEM_REG');
    setRingSize(this.fd, XDP_UMEM_FILL_RING, this.#fillSize, 'XDP_UMEM_FILL_RING');
    setRingSize(this.fd, XDP_UMEM_COMPLETION_RING, this.#completionSize, 'XDP_UMEM_COMPLETION_RING');
    setRxRing(this.fd, ringSize);
    if (txFrames > 0) setRingSize(this.fd, XDP_TX_RING, txFrames, 'XDP_TX_RING');
  }

  /** `offsets` is a struct xdp_ring_offset: producer, consumer, desc, flags, u64 each. */
  #mapRing(offsets: Buffer, size: number, entryBytes: number, pgoff: number): KernelRing {
    const [producer, consumer, entries, flags] = [0, 8, 16, 24].map((at) =>
      Number(offsets.readBigUInt64LE(at)),
    );
    const at = this.#arena.map(this.fd, entries! + size * entryBytes, 'read-write', pgoff);
    this.#mappings.push(at);
    return {
      producer: at + producer!,
      consumer: at + consumer!,
      flags: at + flags!,
      entries: at + entries!,
      size,
    };
  }

  #fillAll(): void {
    const { rxFrames, frameSize } = this.shape;
    const buffer = this.#arena.memory.buffer;
    const entries = new Uint32Array(buffer, this.fill.entries, rxFrames * 2);
    for (let frame = 0; frame < rxFrames; frame++) entries[frame * 2] = frame * frameSize;
    Atomics.store(new Int32Array(buffer, this.fill.producer, 1), 0, rxFrames);
  }
}
