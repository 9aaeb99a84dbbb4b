import { availableParallelism } from 'node:os';
import { umemBytes } from '@nicshare/driver';
import type { SessionShape } from '@nicshare/shm';
import { layout } from '@nicshare/shm';
import type { DispatcherConfig } from './config/schema.js';
import { MAX_SESSIONS } from './dataplane/tables.js';

const GAP = layout.REGION_ALIGNMENT;
const MIB = 2 ** 20;

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
  // A ring's frames, its region's remainder, and four rings, each with a gap behind it.
  return (
    32 * MIB + ringsOf(config.device.rings) * (umemBytes({ frameSize, ringSize: deviceRingSize }) + 10 * GAP)
  );
}

/** Sizes the arena: address space, of which only what is used costs memory. */
export function planMemory(config: DispatcherConfig, shape: SessionShape): MemoryPlan {
  const perSession = shape.dispatcherBytes + shape.clientBytes;
  const sessions = Math.min(
    MAX_SESSIONS,
    Math.floor(config.memory.budget / perSession),
    config.queues.length,
  );
  // Each session has two regions and a ledger, each with a gap behind it; twice, for fragments.
  const ledger = Math.ceil((shape.rxFrames * 5) / GAP) * GAP;
  const forSessions = 2 * Math.max(1, sessions) * (perSession + ledger + 3 * GAP);
  const boundary = Math.ceil(deviceBytes(config) / GAP) * GAP;
  return { boundary, bytes: boundary + forSessions };
}
