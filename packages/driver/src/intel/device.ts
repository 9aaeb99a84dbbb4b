import { NicshareError, type Region } from '@nicshare/shm';
import type { Device, DeviceContext, DeviceInfo, DeviceStats, FastPath } from '../device.js';
import { type DriverModule, loadDriverModule } from '../module.js';
import type { PciCard, PciDeviceOptions } from '../pci/card.js';
import { readFunction } from '../pci/functions.js';
import { openPciCard } from '../pci/open.js';
import { planRss, type RssPlan } from '../rss/plan.js';
import type { RuleCoverage, RuleSet } from '../rules.js';
import * as R from './common.js';
import { Registers, readMac } from './registers.js';
import { RingPair } from './rings.js';
import { awaitLink, reset } from './setup.js';

const VENDOR = 0x8086;
const REGISTERS_BAR = 0;

/** Interrupts of the RX rings: raised while the dataplane sleeps, masked while it polls. */
export interface RingInterrupts {
  readonly descriptors: readonly number[];
  /** From now on a packet that comes makes a descriptor readable. */
  arm(): void;
  disarm(): void;
}

/** What tells Intel's cards apart. */
export interface IntelModel {
  readonly driver: string;
  /** Its datasheet's name. */
  readonly name: string;
  /** Its device number on PCI. */
  readonly device: number;
  readonly maxRings: number;
  /** Longest packet that it takes, without the check sequence. */
  readonly maxPacket: number;
  /** Where the registers of a ring begin. */
  readonly rxRing: (ring: number) => number;
  readonly txRing: (ring: number) => number;
  /** As RingDialect's. */
  readonly txCommand: number;
  readonly txLengthShift: number;
  /** Ends all that the card does, its interrupts too. */
  quiesce(registers: Registers): void;
  /** Lets the link come up, without waiting for it. */
  bringLinkUp(registers: Registers): void;
  /** Gives it the rings, whose RX descriptors are still to be filled. */
  start(registers: Registers, rings: readonly RingPair[], frameSize: number): void;
  interrupts(registers: Registers, card: PciCard, rings: number): RingInterrupts;
  /** Lets the hash choose rings as the plan says; left out where it hashes no ports of UDP. */
  steer?(registers: Registers, plan: RssPlan): void;
  /** Packets that it says it has lost since it was asked last. */
  lost(registers: Registers, rings: number): number;
}

/**
 * Takes an Intel card from the kernel and drives it. Throws NicshareError InterfaceNotFound, InterfaceTaken,
 * NotSupported, NotPermitted, OutOfMemory, DeviceFailed.
 */
export function openIntel(
  model: IntelModel,
  options: PciDeviceOptions<string>,
  context: DeviceContext,
): Device {
  requireModel(model, options.pci);
  const { pci: address, access: way = 'auto', rings = 'all', force = false } = options;
  const card = openPciCard({ address, way, force }, context);
  try {
    const registers = new Registers(context.arena.memory, card.mapBar(REGISTERS_BAR));
    reset(registers, model.quiesce);
    card.forgetPredecessor();
    const count = rings === 'all' ? model.maxRings : Math.min(rings, model.maxRings);
    return new IntelDevice(model, card, registers, count, context);
  } catch (error) {
    card.close();
    throw error;
  }
}

function requireModel(model: IntelModel, address: string): void {
  const { vendor, device } = readFunction(address);
  if (vendor === VENDOR && device === model.device) return;
  const hex = (number: number): string => number.toString(16).padStart(4, '0');
  throw new NicshareError(
    'NotSupported',
    `The card ${address} (${hex(vendor)}:${hex(device)}) is no Intel ${model.name} (${hex(VENDOR)}:${hex(model.device)}).`,
    'Name its own driver with device.driver; af_xdp drives any card that the kernel does.',
  );
}

class IntelDevice implements Device {
  readonly info: DeviceInfo;
  readonly fastPath: FastPath;
  readonly rxRegions: readonly Region[];
  readonly waitDescriptors: readonly number[];
  readonly #model: IntelModel;
  readonly #card: PciCard;
  readonly #registers: Registers;
  readonly #rings: readonly RingPair[];
  readonly #interrupts: RingInterrupts;
  readonly #module: DriverModule;
  #missed = 0;
  #lastStats: DeviceStats | undefined;

  constructor(model: IntelModel, card: PciCard, registers: Registers, rings: number, context: DeviceContext) {
    this.#model = model;
    this.#card = card;
    this.#registers = registers;
    const dialect = {
      rxTail: (ring: number) => registers.offset + model.rxRing(ring) + R.TAIL,
      txTail: (ring: number) => registers.offset + model.txRing(ring) + R.TAIL,
      txCommand: model.txCommand,
      txLengthShift: model.txLengthShift,
    };
    this.#module = loadDriverModule(context.arena.memory);
    this.#rings = Array.from({ length: rings }, (_, ring) => new RingPair(ring, card, context, dialect));
    this.rxRegions = this.#rings.map(({ region }) => region);
    model.bringLinkUp(registers);
    model.start(registers, this.#rings, context.frameSize);
    for (let ring = 0; ring < rings; ring++) this.#module.intelRxPublish(ring);
    this.#interrupts = model.interrupts(registers, card, rings);
    this.waitDescriptors = this.#interrupts.descriptors;
    awaitLink(registers);
    this.info = {
      driver: model.driver,
      interface: card.address,
      mac: readMac(registers, R.RAL, R.RAH),
      rxQueues: rings,
      txQueues: rings,
      maxPacket: model.maxPacket,
      mode: `${card.way}, ${rings === 1 ? 'one ring' : `${rings} rings by RSS`}`,
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

  setRules(rules: RuleSet): RuleCoverage {
    const all = `the ${this.#model.name} hands over all packets`;
    if (!this.#model.steer || this.#rings.length === 1) return { coverage: 'none', why: all };
    const plan = planRss(rules, this.#rings.length);
    this.#model.steer(this.#registers, plan);
    return { coverage: 'none', why: plan.promise ? `${all}; ${plan.promise}` : all };
  }

  stats(): DeviceStats {
    return this.#lastStats ?? this.#count();
  }

  #count(): DeviceStats {
    if (!this.#registers.gone(R.STATUS))
      this.#missed += this.#model.lost(this.#registers, this.info.rxQueues);
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
    reset(this.#registers, this.#model.quiesce);
    for (const ring of this.#rings) ring.close();
    this.#card.close();
  }
}
