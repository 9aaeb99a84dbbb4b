import { NicshareError, type Region } from '@nicshare/shm';
import type { PciCard } from '../pci/card.js';
import { VIRTQUEUE_AVAILABLE, VIRTQUEUE_BYTES, VIRTQUEUE_USED } from './queue-memory.js';
import * as T from './queue-table.js';
import { Structure } from './structure.js';
import type { Transport } from './transport.js';
import { queueSize, setUpQueue, type Virtqueue } from './virtqueue.js';

const SIZE = 16;
const PATIENCE_MS = 2000;
const DESCRIPTOR = 1 << T.DESCRIPTOR_SHIFT;
const DESC_F_NEXT = 1;
/** The command lies behind the queue: class, command, data; the answer behind it. */
const COMMAND = VIRTQUEUE_BYTES;
const ANSWER = COMMAND + 4096;
export const CONTROL_BYTES = ANSWER + 4096;
const UNANSWERED = 0xff;

/** Classes and commands of the control queue (5.1.6.5). */
export const PROMISCUOUS = [0, 0] as const;
export const QUEUE_PAIRS = [4, 0] as const;
export const RSS_CONFIG = [4, 1] as const;

/** The queue by which a card is commanded, one command at a time. */
export class ControlQueue {
  readonly #queue: Virtqueue;
  readonly #region: Region;
  readonly #iova: number;
  readonly #buffer: ArrayBufferLike;
  readonly #memory: Structure;
  #commands = 0;

  constructor(number: number, card: PciCard, transport: Transport, memory: WebAssembly.Memory) {
    this.#region = card.allocate('nicshare-control', CONTROL_BYTES);
    this.#iova = card.iova(this.#region.offset);
    this.#buffer = memory.buffer;
    this.#memory = new Structure(memory, this.#region.offset, CONTROL_BYTES);
    this.#queue = setUpQueue(transport, {
      number,
      size: queueSize(transport, number, SIZE),
      iova: this.#iova,
    });
    this.#memory.write16(VIRTQUEUE_AVAILABLE + T.RING_FLAGS, T.AVAIL_F_NO_INTERRUPT);
  }

  /** Has the card carry a command out. Throws NicshareError DeviceFailed where it refuses or does not answer. */
  command(what: string, [group, command]: readonly [number, number], data: Uint8Array): void {
    const memory = this.#memory;
    memory.write8(COMMAND, group);
    memory.write8(COMMAND + 1, command);
    new Uint8Array(this.#buffer, this.#region.offset + COMMAND + 2, data.length).set(data);
    memory.write8(ANSWER, UNANSWERED);
    this.#describe(0, COMMAND, 2 + data.length, DESC_F_NEXT);
    this.#describe(1, ANSWER, 1, T.DESC_F_WRITE);
    this.#submit();
    const answer = memory.read8(ANSWER);
    if (answer !== 0) throw refused(what, `answers ${answer}`);
  }

  /** A descriptor that names the one after it. */
  #describe(id: number, at: number, length: number, flags: number): void {
    this.#memory.write64(id * DESCRIPTOR, this.#iova + at);
    this.#memory.write32(id * DESCRIPTOR + T.DESCRIPTOR_LENGTH, length);
    this.#memory.write32(id * DESCRIPTOR + T.DESCRIPTOR_LENGTH + 4, flags | ((id + 1) << 16));
  }

  #submit(): void {
    const slot = this.#commands++ % this.#queue.size;
    this.#memory.write16(VIRTQUEUE_AVAILABLE + T.RING_ENTRIES + (slot << T.AVAIL_ENTRY_SHIFT), 0);
    const half = (at: number): Uint16Array => new Uint16Array(this.#buffer, at, 1);
    const used = half(this.#region.offset + VIRTQUEUE_USED + T.RING_INDEX);
    // Sequentially consistent: the card sees the command before it is told of it.
    Atomics.store(half(this.#region.offset + VIRTQUEUE_AVAILABLE + T.RING_INDEX), 0, this.#commands);
    half(this.#queue.notifyAt)[0] = this.#queue.number;
    const end = performance.now() + PATIENCE_MS;
    while (Atomics.load(used, 0) !== (this.#commands & 0xffff))
      if (performance.now() > end) throw refused('its commands', `does not answer within ${PATIENCE_MS} ms`);
  }
}

const refused = (what: string, why: string): NicshareError =>
  new NicshareError(
    'DeviceFailed',
    `The virtio-net card does not carry out ${what}: it ${why}.`,
    'Set device.rings to 1, or update what provides the card.',
  );
