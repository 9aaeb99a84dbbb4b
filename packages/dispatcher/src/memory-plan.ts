import { availableParallelism } from 'node:os';
import { umemBytes } from '@nicshare/driver';
import { layout, NicshareError, type SessionShape, stackLayout } from '@nicshare/shm';
import type { DispatcherConfig } from './config/schema.js';
import { sessionShapes, spareFrames } from './config/sharing.js';
import { MAX_SESSIONS, MAX_TAPS } from './dataplane/tables.js';

const GAP = layout.REGION_ALIGNMENT;
const MIB = 2 ** 20;
/** An arena's 4 GiB, without what it needs for itself. */
const MOST = 2 ** 32 - 8 * MIB;

/** The arena ends at 4 GiB, and sessions need some of it. */
const MOST_FOR_DEVICE = 3 * 2 ** 30;

/** How the dispatcher's arena is divided between the device's thread and the Conductor's. */
export interface MemoryPlan {
  readonly bytes: number;
  /** The device's part ends and the sessions' part begins here. */
  readonly boundary: number;
}

/** Hardware rings to plan for where all of a card are wanted: cards have seldom more than the machine has cores. */
const ringsOf = (rings: number | 'all'): number =>
  rings === 'all' ? Math.max(16, availableParallelism()) : rings;

/** Bytes that a device may take: frames of all its rings, and the kernel's or the hardware's rings. */
function deviceBytes(config: DispatcherConfig): number {
  const { frameSize, deviceRingSize } = config.memory;
  if (config.device.driver === 'null') return config.device.frames * frameSize + 64 * MIB;
  if (config.device.driver === 'pcap') return config.device.memory + deviceRingSize * frameSize + 32 * MIB;
  const umem = { frameSize, ringSize: deviceRingSize, spareFrames: spareFrames(config) };
  // A ring's frames, its region's remainder, and four rings, each with a gap behind it.
  return 32 * MIB + ringsOf(config.device.rings) * (umemBytes(umem) + 10 * GAP);
}

const tapBytes = ({ dispatcherBytes, clientBytes, rxFrames }: SessionShape): number =>
  dispatcherBytes + clientBytes + Math.ceil((rxFrames * 5) / GAP) * GAP + 3 * GAP;

/** Sizes the arena: address space, of which only what is used costs memory. Throws NicshareError ConfigInvalid. */
export function planMemory(config: DispatcherConfig, tap: SessionShape): MemoryPlan {
  const boundary = Math.ceil(deviceBytes(config) / GAP) * GAP;
  const spare = spareFrames(config);
  if (spare > 0 && boundary > MOST_FOR_DEVICE)
    throw new NicshareError(
      'ConfigInvalid',
      `The ${spare} frames that clients of mode shared may hold, for each ring of the device, take more memory than there can be.`,
      'Lower queues[].credit, or set device.rings to as many as the card has.',
    );
  const shapes = sessionShapes(config);
  const used = [...new Set(config.queues.map(({ mode }) => mode))].map((mode) => {
    const { dispatcherBytes, clientBytes, rxFrames } = shapes[mode];
    // A byte for each frame of the device, or five for each of the session's own.
    const ledger = mode === 'shared' ? boundary / config.memory.frameSize : rxFrames * 5;
    return { bytes: dispatcherBytes + clientBytes, ledger: Math.ceil(ledger / GAP) * GAP };
  });
  const perSession = Math.max(...used.map(({ bytes, ledger }) => bytes + ledger));
  const affordable = Math.floor(config.memory.budget / Math.min(...used.map(({ bytes }) => bytes)));
  const sessions = Math.min(MAX_SESSIONS, affordable, config.queues.length);
  // Each session has two regions and a ledger, each with a gap behind it; twice, for fragments.
  const forStack = Math.ceil(stackLayout.STACK_BYTES / GAP) * GAP + GAP;
  const bytes = boundary + forStack + 2 * Math.max(1, sessions) * (perSession + 3 * GAP);
  // Taps get what there is: a configuration that just fits does without them.
  return { boundary, bytes: Math.max(bytes, Math.min(bytes + 2 * MAX_TAPS * tapBytes(tap), MOST)) };
}
