import { HUGEPAGE_HINT, layout, NicshareError, type Region } from '@nicshare/shm';
import * as sys from '@nicshare/shm/sys';
import type { Device, DeviceContext, DeviceInfo, DeviceStats, FastPath } from '../device.js';
import { type DriverModule, loadDriverModule } from '../module.js';
import type { RuleCoverage, RuleSet } from '../rules.js';
import { libc } from '../sys.js';
import { type AttachMode, XdpAttachment } from './attachment.js';
import { explained, isLoss, lost } from './errors.js';
import { type InterfaceState, readInterface, readLink } from './interface.js';
import { writeQueueEntries } from './queue-entries.js';
import { MAX_QUEUES } from './queue-table.js';
import { type SocketShape, XdpSocket } from './socket.js';
import { stampReader } from './stamp.js';

export interface AfXdpOptions {
  readonly driver: 'af_xdp';
  /** The kernel's name of the interface, in the caller's network namespace. */
  readonly interface: string;
  /** How many of its hardware queues to take, from the first on; packets of the others go to the kernel. */
  readonly rings?: 'all' | number;
  /** `auto`: in the driver where it can, else in the kernel's generic path. */
  readonly mode?: 'auto' | AttachMode;
}

const VLAN_TAG = 4;
/** The kernel keeps these bytes of each RX frame free before the packet (XDP_PACKET_HEADROOM, linux/bpf.h). */
const HEADROOM = 256;
/** Until rules are set, all packets are the kernel's. */
const NO_RULES: RuleSet = { matches: [], unmatched: 'pass' };
/** A doorbell may fail so for a while; `maintain` rings again. */
const PASSING_ERRORS: readonly number[] = [sys.EAGAIN, sys.EBUSY, sys.ENOBUFS, sys.ENOMEM, sys.EINTR];

/**
 * Opens an interface by AF_XDP. Throws NicshareError InterfaceNotFound, InterfaceTaken, InterfaceLost (it is down),
 * NotPermitted, NotSupported, OutOfMemory, InvalidArgument or DeviceFailed.
 */
export function openAfXdp(options: AfXdpOptions, context: DeviceContext): Device {
  const state = readInterface(options.interface);
  requireUsable(state, context);
  const queues = queueCount(state, options, context);
  const mode = options.mode ?? 'auto';
  if (mode !== 'auto') return openIn(mode, state, queues, context);
  try {
    return openIn('native', state, queues, context);
  } catch (error) {
    if (!(error instanceof NicshareError) || error.code !== 'DeviceFailed') throw error;
    const device = openIn('generic', state, queues, context);
    context.note(
      `${state.name}: its driver takes no XDP program (perhaps only with a smaller MTU), so the slower generic mode ` +
        `is used: ${error.message}`,
    );
    return device;
  }
}

function requireUsable(state: InterfaceState, context: DeviceContext): void {
  if (!state.up)
    throw new NicshareError(
      'InterfaceLost',
      `The interface ${state.name} is down.`,
      `Bring it up: ip link set ${state.name} up`,
    );
  if (!state.running)
    context.note(`${state.name} has no carrier: nothing comes until its cable or peer is up.`);
  const maxMtu = maxMtuOf(context.frameSize);
  if (state.mtu > maxMtu)
    throw new NicshareError(
      'InvalidArgument',
      `Packets of ${state.name} (MTU ${state.mtu}) do not fit frames of ${context.frameSize} bytes.`,
      `Lower the MTU to ${maxMtu} (ip link set ${state.name} mtu ${maxMtu})` +
        (state.mtu <= maxMtuOf(layout.MAX_FRAME_SIZE)
          ? `, or set memory.frameSize to ${layout.MAX_FRAME_SIZE}.`
          : '.'),
    );
}

/** Longest payload whose packet, a VLAN tag included, fits a frame. */
export const maxMtuOf = (frameSize: number): number =>
  frameSize - HEADROOM - layout.ETHERNET_HEADER - VLAN_TAG;

function queueCount(state: InterfaceState, options: AfXdpOptions, context: DeviceContext): number {
  const { rings = 'all' } = options;
  if (rings !== 'all' && (!Number.isInteger(rings) || rings < 1))
    throw new NicshareError(
      'InvalidArgument',
      `device.rings is ${rings}.`,
      "Set it to 'all', or to 1 or more.",
    );
  if (rings !== 'all' && rings > state.rxQueues)
    context.note(`${state.name} has ${state.rxQueues} receive queues; all are taken instead of ${rings}.`);
  return Math.min(rings === 'all' ? state.rxQueues : rings, state.rxQueues, MAX_QUEUES);
}

function openIn(mode: AttachMode, state: InterfaceState, queues: number, context: DeviceContext): Device {
  const sockets: XdpSocket[] = [];
  let attachment: XdpAttachment | undefined;
  try {
    for (let queue = 0; queue < queues; queue++) {
      const shape = shapeOf(context, queue < state.txQueues);
      const socket = new XdpSocket(context.arena, `${state.name}-${queue}`, shape, context.hugepages);
      sockets.push(socket);
      socket.bind(state.index, queue, mode === 'generic');
    }
    // The sockets stand in the map before the program is attached: no packet meets an empty slot.
    const descriptors = sockets.map((socket) => socket.fd);
    attachment = new XdpAttachment(state.index, mode, descriptors, NO_RULES, context.rxTimes);
    return new AfXdpDevice(state, mode, sockets, attachment, context);
  } catch (error) {
    attachment?.close();
    for (const socket of sockets) socket.close();
    throw explained(error, state.name);
  }
}

const shapeOf = ({ frameSize, ringSize, spareFrames = 0 }: DeviceContext, sends: boolean): SocketShape => ({
  frameSize,
  ringSize,
  rxFrames: ringSize * 2 + spareFrames,
  txFrames: sends ? ringSize : 0,
});

type UmemSizes = Pick<DeviceContext, 'frameSize' | 'ringSize' | 'spareFrames'>;

/** Bytes of frames that one hardware ring takes. */
export const umemBytes = ({ frameSize, ringSize, spareFrames = 0 }: UmemSizes): number =>
  (3 * ringSize + spareFrames) * frameSize;

class AfXdpDevice implements Device {
  readonly info: DeviceInfo;
  readonly fastPath: FastPath;
  readonly rxRegions: readonly Region[];
  readonly waitDescriptors: readonly number[];
  readonly #sockets: readonly XdpSocket[];
  readonly #attachment: XdpAttachment;
  readonly #module: DriverModule;
  readonly #releaseEntries: () => void;
  #failure: NicshareError | undefined;
  #lastStats: DeviceStats | undefined;

  constructor(
    state: InterfaceState,
    mode: AttachMode,
    sockets: readonly XdpSocket[],
    attachment: XdpAttachment,
    { arena, hugepages, rxTimes, note }: DeviceContext,
  ) {
    this.#sockets = sockets;
    this.#attachment = attachment;
    this.rxRegions = sockets.map((socket) => socket.umem);
    this.waitDescriptors = sockets.map((socket) => socket.fd);
    this.info = {
      driver: 'af_xdp',
      interface: state.name,
      mac: state.mac,
      rxQueues: sockets.length,
      txQueues: sockets.filter((socket) => socket.tx).length,
      maxPacket: state.mtu + layout.ETHERNET_HEADER,
      mode: `${mode}, ${sockets.every((socket) => socket.zeroCopy) ? 'zero-copy' : 'copy'}`,
    };
    this.#module = loadDriverModule(arena.memory, { doorbell: (queue) => this.#ring(queue) });
    this.#releaseEntries = writeQueueEntries(arena, sockets);
    this.fastPath = {
      rxBurst: this.#module.xskRxBurst,
      rxRelease: this.#module.xskRxRelease,
      txReserve: this.#module.xskTxReserve,
      txBurst: this.#module.xskTxBurst,
      ...(rxTimes && { rxTime: stampReader(arena.memory) }),
    };
    if (hugepages === 'auto' && sockets.some((socket) => socket.umem.pageSize === 4096))
      note(
        `${state.name}: no 2 MiB pages for its frames, 4 KiB ones are used. Reserve some: ${HUGEPAGE_HINT}`,
      );
  }

  prepareSleep(): boolean {
    for (let queue = 0; queue < this.info.rxQueues; queue++) {
      if (this.#module.xskRxWaiting(queue)) return false;
      if (queue < this.info.txQueues && this.#module.xskTxWaiting(queue)) return false;
    }
    // poll(2) is silent about an interface that went away; this call is not.
    this.#poke(0);
    return this.#failure === undefined;
  }

  /** A sleeper needs no flag here: poll(2) itself tells the kernel. */
  endSleep(): void {}

  maintain(): number {
    if (this.#failure) throw this.#failure;
    let done = 0;
    for (let queue = 0; queue < this.info.rxQueues; queue++) {
      if (queue < this.info.txQueues) done += this.#module.xskMaintain(queue);
      if (this.#module.xskFillWaiting(queue)) this.#poke(queue);
    }
    return done;
  }

  setRules(rules: RuleSet): RuleCoverage {
    try {
      return this.#attachment.replace(rules);
    } catch (error) {
      throw explained(error, this.info.interface);
    }
  }

  stats(): DeviceStats {
    return this.#lastStats ?? this.#count();
  }

  #count(): DeviceStats {
    return { link: readLink(this.info.interface), ...sumStatistics(this.#sockets) };
  }

  close(): void {
    if (this.#lastStats) return;
    this.#lastStats = this.#count();
    this.#attachment.close();
    for (const socket of this.#sockets) socket.close();
    this.#releaseEntries();
  }

  /** The doorbell: has the kernel look at the TX ring. */
  #ring(queue: number): void {
    const result = libc.sendto(this.waitDescriptors[queue], null, 0, sys.MSG_DONTWAIT, null, 0);
    if (result < 0) this.#judge('sendto(AF_XDP)', sys.errno());
  }

  /** Has the kernel look at the fill ring. */
  #poke(queue: number): void {
    const result = libc.recvfrom(this.waitDescriptors[queue], null, 0, sys.MSG_DONTWAIT, null, null);
    if (result < 0) this.#judge('recvfrom(AF_XDP)', sys.errno());
  }

  #judge(call: string, errno: number): void {
    if (this.#failure || PASSING_ERRORS.includes(errno)) return;
    const error = new sys.SystemError(call, errno);
    this.#failure = isLoss(errno)
      ? lost(this.info.interface, error)
      : new NicshareError(
          'DeviceFailed',
          `The interface ${this.info.interface} failed (${error.message}).`,
          'Look for the reason in dmesg.',
          { cause: error },
        );
  }
}

/**
 * The kernel counts a packet that found no frame in `rxDropped` too; here it has one reason. What is left there was
 * too long for a frame.
 */
function sumStatistics(sockets: readonly XdpSocket[]): DeviceStats {
  const rxDropped = { rx_dropped: 0, rx_ring_full: 0, rx_fill_ring_empty: 0, rx_invalid: 0 };
  const txDropped = { tx_invalid: 0 };
  for (const socket of sockets) {
    const statistics = socket.statistics();
    const noFrame = Math.min(statistics.fillRingEmpty, statistics.rxDropped);
    rxDropped.rx_dropped += statistics.rxDropped - noFrame;
    rxDropped.rx_fill_ring_empty += noFrame;
    rxDropped.rx_ring_full += statistics.rxRingFull;
    rxDropped.rx_invalid += statistics.rxInvalidDescriptors;
    txDropped.tx_invalid += statistics.txInvalidDescriptors;
  }
  return { rxDropped, txDropped, rings: sockets.map((socket) => socket.ringStats()) };
}
