import { EchoPeer } from './echo-peer.js';
import { CARD_MAC } from './frames.js';
import { type GuestResult, runInGuest } from './guest.js';
import type { Qemu } from './qemu.js';
import { Wire } from './wire.js';

export type Access = 'vfio' | 'uio' | 'sysfs';

/** What src/guest/own-card.ts says. */
export interface Said {
  readonly event: 'ready' | 'cpu' | 'restarted' | 'stopped';
  readonly ticks: number;
  readonly status: number | null;
  readonly driver: string | undefined;
  /** No byte was written in memory that was not the card's. */
  readonly intact: boolean;
  /** Files of device memory that a dead dispatcher left, and those of its successor. */
  readonly left: readonly string[];
  readonly now: readonly string[];
}

const PORTS = [7001, 7002];
const TIMEOUT_MS = 3_600_000;

const command = (model: string, access: Access): string => `
  stty -echo
  for module in ${model} tun uio_pci_generic vfio-pci vfio_iommu_type1; do modprobe $module; done
  echo 96 > /proc/sys/vm/nr_hugepages; mkdir -p /dev/hugepages; mount -t hugetlbfs nodev /dev/hugepages
  for family in all default; do echo 1 > /proc/sys/net/ipv6/conf/$family/disable_ipv6; done
  exec node test/lab/dist/guest/own-card.js ${access} ${PORTS.join(' ')}`;

/** A guest in which a dispatcher owns a card, with us at the far end of its cable. */
export class OwnedCard {
  readonly peer: EchoPeer;
  readonly #wire: Wire;
  #tell!: (line: string) => void;
  #result!: Promise<GuestResult>;
  readonly #said: Said[] = [];
  #wake: (() => void) | undefined;
  #over: string | undefined;

  private constructor(wire: Wire) {
    this.#wire = wire;
    this.peer = new EchoPeer(wire, PORTS);
  }

  /** Boots it, and waits until the applications are attached and the traffic flows. */
  static async boot(qemu: Qemu, model: string, access: Access): Promise<OwnedCard> {
    const wire = await Wire.open();
    const card = new OwnedCard(wire);
    card.#result = runInGuest({
      qemu,
      iommu: access === 'vfio',
      memoryMiB: 1536,
      timeoutMs: TIMEOUT_MS,
      devices: [...wire.netdev, '-device', `${model},netdev=wire0,mac=${CARD_MAC}`],
      command: command(model, access),
      onLine: (line) => card.#take(line),
      onStart: (tell) => {
        card.#tell = tell;
      },
    });
    card.#result.then(
      ({ output }) => card.#end(output.slice(-3000)),
      (error) => card.#end(String(error)),
    );
    await card.#next('ready');
    await card.peer.settle();
    return card;
  }

  /** Processor time of the dispatcher so far, in ms. */
  async processorTime(): Promise<number> {
    return (await this.#ask('cpu', 'cpu')).ticks * 10;
  }

  /** Kills the dispatcher, and waits until its successor serves the applications. */
  killAndRestart(): Promise<Said> {
    return this.#ask('kill', 'restarted');
  }

  /** Ends the dispatcher and the guest. */
  async stop(): Promise<Said> {
    try {
      return await this.#ask('stop', 'stopped');
    } finally {
      await this.#result;
      await this.#wire.close();
    }
  }

  #ask(line: string, event: Said['event']): Promise<Said> {
    this.#tell(line);
    return this.#next(event);
  }

  /** Throws Error where the guest ends instead. */
  async #next(event: Said['event']): Promise<Said> {
    for (;;) {
      const said = this.#said.shift();
      if (said?.event === event) return said;
      if (said) continue;
      if (this.#over !== undefined) throw new Error(`the guest ended before it said ${event}: ${this.#over}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #take(line: string): void {
    if (process.env.NICSHARE_LAB_VERBOSE) console.error(line);
    if (!line.startsWith('{')) return;
    this.#said.push(JSON.parse(line));
    this.#wake?.();
  }

  #end(why: string): void {
    this.#over = why;
    this.#wake?.();
  }
}
