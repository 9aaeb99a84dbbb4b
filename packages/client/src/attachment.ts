import {
  Arena,
  layout,
  NicshareError,
  type SessionGrant,
  type SessionShape,
  sessionShape,
  windowBytes,
} from '@nicshare/shm';
import { libc } from '@nicshare/shm/sys';

/** The descriptors that come with a grant. */
export interface GrantedDescriptors {
  readonly dispatcherRegion: number;
  readonly clientRegion: number;
  readonly wake: number;
  /** Of the grant's `regions`, in their order. */
  readonly regions: readonly number[];
}

/**
 * A session's two regions, and in mode `shared` the device's, mapped into one memory of this process. After `unmap` views of it read zeros: they do not
 * crash.
 */
export class Attachment {
  readonly shape: SessionShape;
  /** The whole mapped memory; `dispatcherRegion` and `clientRegion` are offsets in it. */
  readonly buffer: ArrayBuffer;
  readonly dispatcherRegion: number;
  readonly clientRegion: number;
  /** Where the memory of received packets begins, from which their offsets count. */
  readonly rxBase: number;
  readonly #rxLength: number;
  readonly #arena: Arena;
  #mapped = true;

  /** Closes the regions' descriptors in any case. Throws NicshareError OutOfMemory or VersionMismatch. */
  constructor(grant: SessionGrant, descriptors: GrantedDescriptors) {
    try {
      this.shape = sessionShape(grant);
      const { dispatcherBytes, clientBytes } = this.shape;
      const parts = grant.regions.map((part, i) => ({ ...part, fd: descriptors.regions[i]! }));
      const isShared = grant.mode === 'shared';
      const window = isShared ? windowBytes(parts) : 0;
      const gaps = 3 * layout.REGION_ALIGNMENT;
      // A shared memory is none of the garbage collector's business: it collects for each new one that is not.
      this.#arena = Arena.create(dispatcherBytes + clientBytes + window + gaps, { shared: true });
      this.buffer = this.#arena.memory.buffer;
      this.dispatcherRegion = this.#arena.map(descriptors.dispatcherRegion, dispatcherBytes, 'read');
      this.clientRegion = this.#arena.map(descriptors.clientRegion, clientBytes, 'read-write');
      this.rxBase = isShared ? this.#arena.mapWindow(parts) : this.dispatcherRegion;
      this.#rxLength = isShared ? window : dispatcherBytes;
    } finally {
      libc.close(descriptors.dispatcherRegion);
      libc.close(descriptors.clientRegion);
      for (const fd of descriptors.regions) libc.close(fd);
    }
    for (const region of [this.dispatcherRegion, this.clientRegion]) this.#checkHeader(region);
  }

  /** Whether the dispatcher leaves latency samples beside the rxRing's cursor. */
  get sampled(): boolean {
    return new DataView(this.buffer, this.dispatcherRegion).getUint32(layout.HEADER_SAMPLED, true) === 1;
  }

  /** One view of the received packets' memory. */
  rxBytes(): Uint8Array {
    return new Uint8Array(this.buffer, this.rxBase, this.#rxLength);
  }

  /** One view of the memory of packets to send. */
  txBytes(): Uint8Array {
    return new Uint8Array(this.buffer, this.clientRegion, this.shape.clientBytes);
  }

  unmap(): void {
    if (!this.#mapped) return;
    this.#mapped = false;
    if (this.rxBase !== this.dispatcherRegion) this.#arena.release(this.rxBase);
    this.#arena.release(this.clientRegion);
    this.#arena.release(this.dispatcherRegion);
  }

  #checkHeader(region: number): void {
    const view = new DataView(this.buffer, region, layout.HEADER_BYTES);
    const magic = view.getUint32(layout.HEADER_MAGIC, true);
    const version = view.getUint32(layout.HEADER_VERSION, true);
    if (magic === layout.MAGIC && version === layout.VERSION) return;
    throw new NicshareError(
      'VersionMismatch',
      `The shared memory has layout ${version} (magic ${magic.toString(16)}); this client knows ${layout.VERSION}.`,
      'Install the same version of @nicshare/client and @nicshare/dispatcher.',
    );
  }
}
