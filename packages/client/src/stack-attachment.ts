import { Arena, layout, NicshareError, StackReader, stackLayout } from '@nicshare/shm';
import { libc } from '@nicshare/shm/sys';

/** The stack snapshot, mapped read-only into this process. After `unmap` it reads zeros. */
export class StackAttachment {
  readonly buffer: ArrayBuffer;
  readonly reader: StackReader;
  readonly #arena: Arena;
  readonly #base: number;

  /** Closes the descriptor in any case. Throws NicshareError OutOfMemory or VersionMismatch. */
  constructor(descriptor: number) {
    try {
      // Shared, as in attachment.ts: the garbage collector leaves it alone.
      this.#arena = Arena.create(stackLayout.STACK_BYTES + layout.REGION_ALIGNMENT, { shared: true });
      this.#base = this.#arena.map(descriptor, stackLayout.STACK_BYTES, 'read');
    } finally {
      libc.close(descriptor);
    }
    this.buffer = this.#arena.memory.buffer;
    this.reader = new StackReader(this.buffer, this.#base);
    this.#checkHeader();
  }

  unmap(): void {
    this.#arena.release(this.#base);
  }

  #checkHeader(): void {
    const magic = this.reader.cell(stackLayout.STACK_HEADER_MAGIC);
    const version = this.reader.cell(stackLayout.STACK_HEADER_VERSION);
    if (magic === stackLayout.STACK_MAGIC && version === stackLayout.STACK_VERSION) return;
    throw new NicshareError(
      'VersionMismatch',
      `The stack snapshot has layout ${version} (magic ${magic.toString(16)}); this client knows ${stackLayout.STACK_VERSION}.`,
      'Install the same version of @nicshare/client and @nicshare/dispatcher.',
    );
  }
}
