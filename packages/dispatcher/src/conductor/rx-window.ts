import { openReadOnly, type SessionGrant } from '@nicshare/shm';
import { libc } from '@nicshare/shm/sys';
import type { Lending, SharedRegion } from '../dataplane/messages.js';

/** The device's regions as clients of mode `shared` map them: read-only, at the distances that they have here. */
export class RxWindow {
  readonly #regions: readonly SharedRegion[];
  readonly #offset: number;
  readonly #bytes: number;

  /** Takes the regions' descriptors over. */
  constructor(regions: readonly SharedRegion[]) {
    this.#regions = regions.toSorted((a, b) => a.offset - b.offset);
    this.#offset = this.#regions[0]?.offset ?? 0;
    const last = this.#regions.at(-1);
    this.#bytes = last ? last.offset + last.bytes - this.#offset : 0;
  }

  /** What a session may hold of it. */
  lend(credit: number): Lending {
    return { window: this.#offset, windowBytes: this.#bytes, credit };
  }

  /** As a grant names its regions. */
  get parts(): SessionGrant['regions'] {
    return this.#regions.map(({ offset, bytes }) => ({ at: offset - this.#offset, bytes }));
  }

  /** New descriptors, in the order of `parts`; the caller closes them. Throws SystemError. */
  open(): number[] {
    const opened: number[] = [];
    try {
      for (const region of this.#regions) opened.push(openReadOnly(region));
      return opened;
    } catch (error) {
      for (const fd of opened) libc.close(fd);
      throw error;
    }
  }

  close(): void {
    for (const { fd } of this.#regions) libc.close(fd);
  }
}
