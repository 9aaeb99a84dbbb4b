import { randomBytes } from 'node:crypto';
import { layout, NicshareError, type Region } from '@nicshare/shm';
import type { Device, DeviceContext, DeviceInfo, DeviceStats, FastPath } from '../device.js';
import { type DriverModule, loadDriverModule } from '../module.js';
import type { PciCard, PciDeviceOptions } from '../pci/card.js';
import { readFunction } from '../pci/functions.js';
import { openPciCard } from '../pci/open.js';
import type { RuleCoverage } from '../rules.js';
import { ControlQueue, PROMISCUOUS } from './control-queue.js';
import { canSpread, type Features, negotiate, offered } from './features.js';
import { QueueInterrupts } from './interrupts.js';
import { QueuePair } from './queue-pair.js';
import { HEADER, MAX_RINGS } from './queue-table.js';
import * as R from './registers.js';
import { spread } from './spreading.js';
import { Transport } from './transport.js';

export type VirtioNetOptions = PciDeviceOptions<'virtio-net'>;

/** Red Hat's vendor number, and the network card as of virtio 1.x alone and with the older interface too (4.1.2). */
const VENDOR = 0x1af4;
const DEVICES = [0x1041, 0x1000];
/** What `rings: all` takes: more have never been run (docs/cards.md). */
const PROVEN_RINGS = 1;
const MAX_PACKET = 1500 + layout.ETHERNET_HEADER;
/** Address that belongs to nobody's card (IEEE 802, 8.2). */
const LOCALLY_ADMINISTERED = 0x02;
const MULTICAST = 0x01;

/**
 * Takes a virtio-net card from the kernel and drives it. Throws NicshareError InterfaceNotFound, InterfaceTaken,
 * NotSupported, NotPermitted, OutOfMemory, DeviceFailed.
 */
export function openVirtioNet(options: VirtioNetOptions, context: DeviceContext): Device {
  requireModel(options.pci);
  const { pci: address, access: way = 'auto', rings = 'all', force = false } = options;
  const card = openPciCard({ address, way, force }, context);
  try {
    const transport = new Transport(card, context.arena.memory);
    transport.reset();
    card.forgetPredecessor();
    return new VirtioNet(card, transport, rings === 'all' ? PROVEN_RINGS : rings, context);
  } catch (error) {
    card.close();
    throw error;
  }
}

function requireModel(address: string): void {
  const { vendor, device } = readFunction(address);
  if (vendor === VENDOR && DEVICES.includes(device)) return;
  const id = `${vendor.toString(16).padStart(4, '0')}:${device.toString(16).padStart(4, '0')}`;
  throw new NicshareError(
    'NotSupported',
    `The card ${address} (${id}) is no virtio-net card (1af4:1041 or 1af4:1000).`,
    'Name its own driver with device.driver; af_xdp drives any card that the kernel does.',
  );
}

class VirtioNet implements Device {
  readonly info: DeviceInfo;
  readonly fastPath: FastPath;
  readonly rxRegions: readonly Region[];
  readonly waitDescriptors: readonly number[];
  readonly #card: PciCard;
  readonly #transport: Transport;
  readonly #features: Features;
  readonly #pairs: readonly QueuePair[];
  readonly #interrupts: QueueInterrupts;
  readonly #module: DriverModule;
  #lastStats: DeviceStats | undefined;

  /** Device Initialization (3.1.1); the card has been reset. */
  constructor(card: PciCard, transport: Transport, mostRings: number, context: DeviceContext) {
    this.#card = card;
    this.#transport = transport;
    this.#module = loadDriverModule(context.arena.memory);
    transport.addStatus(R.ACKNOWLEDGE);
    transport.addStatus(R.DRIVER);
    const offer = offered(transport);
    const pairs = canSpread(offer) ? transport.device.read16(R.MAX_VIRTQUEUE_PAIRS) : 1;
    const rings = Math.min(mostRings, pairs, MAX_RINGS);
    this.#features = negotiate(transport, offer, { rings, isolated: card.way === 'vfio' });
    this.#interrupts = new QueueInterrupts(card, transport, rings);
    this.waitDescriptors = this.#interrupts.descriptors;
    this.#pairs = Array.from(
      { length: rings },
      (_, ring) =>
        new QueuePair({ ring, rings, vector: this.#interrupts.vectorOf(ring) }, card, transport, context),
    );
    this.rxRegions = this.#pairs.map(({ region }) => region);
    const spreading = this.#start(rings > 1 ? 2 * pairs : 2, context);
    this.info = {
      driver: 'virtio-net',
      interface: card.address,
      mac: this.#readMac(),
      rxQueues: rings,
      txQueues: rings,
      maxPacket: Math.min(MAX_PACKET, context.frameSize - HEADER),
      mode: `${card.way}, ${rings === 1 ? 'one ring' : `${rings} rings ${spreading}`}`,
    };
    this.fastPath = {
      rxBurst: this.#module.virtioRxBurst,
      rxRelease: this.#module.virtioRxRelease,
      txReserve: this.#module.virtioTxReserve,
      txBurst: this.#module.virtioTxBurst,
    };
  }

  /** Lets the card begin, and commands it to hand over all packets (the queues' rules choose) by all rings. */
  #start(controlNumber: number, { arena, note }: DeviceContext): string {
    const control = this.#features.has('CTRL_VQ')
      ? new ControlQueue(controlNumber, this.#card, this.#transport, arena.memory)
      : undefined;
    this.#transport.addStatus(R.DRIVER_OK);
    const rings = this.#pairs.length;
    const spreading = control && rings > 1 ? spread(control, this.#features, this.#transport, rings) : '';
    if (control && this.#features.has('CTRL_RX'))
      control.command('promiscuous reception', PROMISCUOUS, Uint8Array.of(1));
    else note(`The card ${this.#card.address} cannot be told to hand over packets to addresses not its own.`);
    for (let ring = 0; ring < rings; ring++) this.#module.virtioRxPublish(ring);
    return spreading;
  }

  #readMac(): Uint8Array {
    if (this.#features.has('MAC'))
      return this.#transport.readConsistently((device) =>
        Uint8Array.from({ length: 6 }, (_, i) => device.read8(R.MAC + i)),
      );
    const mac = Uint8Array.from(randomBytes(6));
    mac[0] = (mac[0]! & ~MULTICAST) | LOCALLY_ADMINISTERED;
    return mac;
  }

  prepareSleep(): boolean {
    this.#requireAlive();
    for (let ring = 0; ring < this.info.rxQueues; ring++) this.#module.virtioRxPublish(ring);
    // Without an interrupt nothing would wake us.
    return this.waitDescriptors.length > 0 && this.#interrupts.arm(this.#module, this.info.rxQueues);
  }

  endSleep(): void {
    this.#interrupts.disarm(this.#module, this.info.rxQueues);
  }

  maintain(): number {
    return 0;
  }

  #requireAlive(): void {
    const { status } = this.#transport;
    if (status === R.GONE)
      throw new NicshareError(
        'InterfaceLost',
        `The card ${this.info.interface} was removed: its registers read as ones.`,
        'Start the dispatcher again once it is back.',
      );
    if (status & R.NEEDS_RESET)
      throw new NicshareError(
        'DeviceFailed',
        `The card ${this.info.interface} met an error and needs a reset.`,
        'Start the dispatcher again; it resets the card.',
      );
  }

  setRules(): RuleCoverage {
    return { coverage: 'none', why: 'a virtio-net card hands over all packets' };
  }

  stats(): DeviceStats {
    return this.#lastStats ?? this.#count();
  }

  #count(): DeviceStats {
    const sum = (count: (pair: QueuePair) => number): number =>
      this.#pairs.reduce((total, pair) => total + count(pair), 0);
    return {
      link: this.#linkUp() ? 'up' : 'down',
      rxDropped: { invalid: sum(({ rxInvalid }) => rxInvalid) },
      txDropped: { invalid: sum(({ txInvalid }) => txInvalid) },
      rings: this.#pairs.map((pair) => pair.stats()),
    };
  }

  /** A card without the feature always has a link (5.1.4.2). */
  #linkUp(): boolean {
    return (
      !this.#features.has('STATUS') || (this.#transport.device.read16(R.STATUS) & R.STATUS_LINK_UP) !== 0
    );
  }

  close(): void {
    if (this.#lastStats) return;
    this.#lastStats = this.#count();
    if (this.#transport.status !== R.GONE) this.#transport.reset();
    for (const pair of this.#pairs) pair.close();
    this.#card.close();
  }
}
