import { NicshareError, type Region } from '@nicshare/shm';
import type { Device, DeviceContext, DeviceInfo, DeviceStats, FastPath } from '../device.js';
import { Registers, readMac } from '../intel/registers.js';
import { RingPair } from '../intel/rings.js';
import { type DriverModule, loadDriverModule } from '../module.js';
import type { PciCard, PciDeviceOptions } from '../pci/card.js';
import { readFunction } from '../pci/functions.js';
import { openPciCard } from '../pci/open.js';
import type { RuleCoverage } from '../rules.js';
import { RingInterrupts } from './interrupts.js';
import * as R from './registers.js';
import * as setup from './setup.js';

export type E1000eOptions = PciDeviceOptions<'e1000e'>;

/** Intel's vendor number and the 82574L's. */
const VENDOR = 0x8086;
const DEVICE = 0x10d3;
const MAX_RINGS = 2;
const REGISTERS_BAR = 0;
/** Command of a legacy TX descriptor: end of packet, insert the check sequence, report status (7.2.10.1). */
const TX_COMMAND = 0x0b << 24;
const NO_LENGTH = 32;

/**
 * Takes an Intel 82574L from the kernel and drives it. Throws NicshareError InterfaceNotFound, InterfaceTaken,
 * NotSupported, NotPermitted, OutOfMemory, DeviceFailed.
 */
export function openE1000e(options: E1000eOptions, context: DeviceContext): Device {
  requireModel(options.pci);
  const { pci: address, access: way = 'auto', rings = 'all', force = false } = options;
  const card = openPciCard({ address, way, force }, context);
  try {
    const registers = new Registers(context.arena.memory, card.mapBar(REGISTERS_BAR));
    setup.reset(registers);
    card.forgetPredecessor();
    return new E1000e(card, registers, Math.min(rings === 'all' ? MAX_RINGS : rings, MAX_RINGS), context);
  } catch (error) {
    card.close();
    throw error;
  }
}

function requireModel(address: string): void {
  const { vendor, device } = readFunction(address);
  if (vendor === VENDOR && device === DEVICE) return;
  const id = `${vendor.toString(16).padStart(4, '0')}:${device.toString(16).padStart(4, '0')}`;
  throw new NicshareError(
    'NotSupported',
    `The card ${address} (${id}) is no Intel 82574L (8086:10d3).`,
    'Name its own driver with device.driver; af_xdp drives any card that the kernel does.',
  );
}

class E1000e implements Device {
  readonly info: DeviceInfo;
  readonly fastPath: FastPath;
  readonly rxRegions: readonly Region[];
  readonly waitDescriptors: readonly number[];
  readonly #card: PciCard;
  readonly #registers: Registers;
  readonly #rings: readonly RingPair[];
  readonly #interrupts: RingInterrupts;
  readonly #module: DriverModule;
  #missed = 0;
  #lastStats: DeviceStats | undefined;

  constructor(card: PciCard, registers: Registers, rings: number, context: DeviceContext) {
    this.#card = card;
    this.#registers = registers;
    const dialect = {
      rxTail: (ring: number) => registers.offset + R.RDT + ring * R.RING,
      txTail: (ring: number) => registers.offset + R.TDT + ring * R.RING,
      txCommand: TX_COMMAND,
      txLengthShift: NO_LENGTH,
    };
    this.#module = loadDriverModule(context.arena.memory);
    this.#rings = Array.from({ length: rings }, (_, ring) => new RingPair(ring, card, context, dialect));
    this.rxRegions = this.#rings.map(({ region }) => region);
    setup.bringLinkUp(registers);
    setup.startReceiving(registers, this.#rings);
    setup.startSending(registers, this.#rings);
    for (let ring = 0; ring < rings; ring++) this.#module.intelRxPublish(ring);
    this.#interrupts = new RingInterrupts(registers, card, rings);
    this.waitDescriptors = this.#interrupts.descriptors;
    setup.awaitLink(registers);
    this.info = {
      driver: 'e1000e',
      interface: card.address,
      mac: readMac(registers, R.RAL, R.RAH),
      rxQueues: rings,
      txQueues: rings,
      maxPacket: setup.MAX_PACKET,
      mode: `${card.way}, ${rings === 1 ? 'one ring' : 'two rings by RSS'}`,
    };
    this.fastPath = {
      rxBurst: this.#module.intelRxBurst,
      rxRelease: this.#module.intelRxRelease,
      txReserve: this.#module.intelTxReserve,
      txBurst: this.#module.intelTxBurst,
    };
  }

  prepareSleep(): boolean {
    this.#requirePresent();
    for (let ring = 0; ring < this.info.rxQueues; ring++) this.#module.intelRxPublish(ring);
    // Without an interrupt nothing would wake us.
    if (this.waitDescriptors.length === 0) return false;
    this.#interrupts.arm();
    // What came before the interrupts were let in raised none.
    for (let ring = 0; ring < this.info.rxQueues; ring++) if (this.#module.intelRxWaiting(ring)) return false;
    return true;
  }

  endSleep(): void {
    this.#interrupts.disarm();
  }

  maintain(): number {
    return 0;
  }

  #requirePresent(): void {
    if (this.#registers.gone(R.STATUS))
      throw new NicshareError(
        'InterfaceLost',
        `The card ${this.info.interface} was removed: its registers read as ones.`,
        'Start the dispatcher again once it is back.',
      );
  }

  setRules(): RuleCoverage {
    return { coverage: 'none', why: 'the 82574 hands over all packets' };
  }

  stats(): DeviceStats {
    return this.#lastStats ?? this.#count();
  }

  /** MPC counts packets that found no room in the card, RNBC those that found no descriptor; both clear as they are read. */
  #count(): DeviceStats {
    if (!this.#registers.gone(R.STATUS))
      this.#missed += this.#registers.read(R.MPC) + this.#registers.read(R.RNBC);
    const invalid = this.#rings.reduce((sum, ring) => sum + ring.invalid, 0);
    return {
      link: this.#registers.read(R.STATUS) & R.STATUS_LU ? 'up' : 'down',
      rxDropped: { missed: this.#missed, invalid },
      txDropped: {},
      rings: this.#rings.map((ring) => ring.stats()),
    };
  }

  close(): void {
    if (this.#lastStats) return;
    this.#lastStats = this.#count();
    this.#interrupts.disarm();
    setup.reset(this.#registers);
    for (const ring of this.#rings) ring.close();
    this.#card.close();
  }
}
