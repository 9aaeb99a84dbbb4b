import { accessSync, constants, existsSync, lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import { readInterface, readXdpFeatures, readXdpState, tryKernel } from '@nicshare/driver';
import { descriptorSocketPath, isNicshareError, ownSocketPath, requireSocketPath } from '@nicshare/shm';
import { somebodyListens } from '../conductor/socket-file.js';
import { groupId, STANDARD_GROUP, userId } from '../config/accounts.js';
import { readConfigFile } from '../config/file.js';
import type { DispatcherConfig } from '../config/schema.js';
import { validateOptions } from '../config/validate.js';
import { needsOf } from './needs.js';
import type { DispatcherReadings, InterfaceReading, SocketReading } from './readings.js';

/** What to look at. Without a configuration it is that of one queue, with all defaults. */
export interface DoctorOptions {
  readonly config?: string;
  readonly interface?: string;
}

const defaults = (interfaceName: string | undefined): DispatcherConfig =>
  validateOptions({
    device: { driver: 'af_xdp', interface: interfaceName?.slice(0, 15) || 'lo' },
    queues: [{ name: 'default', match: 'any' }],
  });

function configured(options: DoctorOptions): {
  config: DispatcherConfig;
  reading: DispatcherReadings['config'];
} {
  const file = options.config;
  if (file === undefined) return { config: defaults(options.interface), reading: undefined };
  try {
    return { config: readConfigFile(file), reading: { file } };
  } catch (error) {
    if (!isNicshareError(error, 'ConfigInvalid')) throw error;
    return { config: defaults(options.interface), reading: { file, error: error.message } };
  }
}

function readNetwork(name: string, config: DispatcherConfig): InterfaceReading {
  const { device } = config;
  const asked =
    device.driver === 'af_xdp' ? { mode: device.mode, rings: device.rings } : { mode: 'auto', rings: 'all' };
  const reading = { name, ...asked } as Pick<InterfaceReading, 'name' | 'mode' | 'rings'>;
  try {
    const state = readInterface(name);
    return {
      ...reading,
      state,
      xdp: readXdpState(state.index),
      features: readXdpFeatures(state.index),
    };
  } catch (error) {
    if (!isNicshareError(error)) throw error;
    return { ...reading, state: error.message.replace(` ${error.action}`, '') };
  }
}

function fits(path: string): boolean {
  try {
    requireSocketPath(descriptorSocketPath(path));
    return true;
  } catch (error) {
    if (isNicshareError(error, 'SocketUnusable')) return false;
    throw error;
  }
}

async function socketState(path: string): Promise<SocketReading['state']> {
  if (!fits(path)) return 'too long';
  try {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (!found) return 'free';
    if (!found.isSocket()) return 'no socket';
    return (await somebodyListens(path)) ? 'listening' : 'stale';
  } catch {
    return 'closed';
  }
}

function nearestFolder(path: string): SocketReading['folder'] {
  const wanted = dirname(path);
  let folder = wanted;
  while (!existsSync(folder) && folder !== dirname(folder)) folder = dirname(folder);
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return { path: folder, exists: folder === wanted, writable: true };
  } catch {
    return { path: folder, exists: folder === wanted, writable: false };
  }
}

/** Whether the system knows a name; `look` throws ConfigInvalid where it does not. */
function known(look: () => number): boolean {
  try {
    look();
    return true;
  } catch (error) {
    if (isNicshareError(error, 'ConfigInvalid')) return false;
    throw error;
  }
}

function socketGroup({ socket }: DispatcherConfig): SocketReading['group'] {
  const { group } = socket;
  if (group !== undefined) return { name: group, exists: known(() => groupId(group)), configured: true };
  if (process.getuid!() !== 0) return undefined;
  return { name: STANDARD_GROUP, exists: known(() => groupId(STANDARD_GROUP)), configured: false };
}

function unknownAccounts({ queues }: DispatcherConfig): DispatcherReadings['unknownAccounts'] {
  const names = (kind: 'users' | 'groups'): string[] => [
    ...new Set(queues.flatMap(({ allow }) => allow?.[kind] ?? []).map(String)),
  ];
  const asId = (name: string): string | number => (/^\d+$/.test(name) ? Number(name) : name);
  const users = names('users').filter((name) => !known(() => userId(asId(name))));
  const groups = names('groups').filter((name) => !known(() => groupId(asId(name))));
  return [
    ...users.map((name) => ({ kind: 'user', name }) as const),
    ...groups.map((name) => ({ kind: 'group', name }) as const),
  ];
}

/** The interface that a valid configuration names. */
function interfaceOf(
  { device }: DispatcherConfig,
  reading: DispatcherReadings['config'],
): string | undefined {
  const valid = reading !== undefined && reading.error === undefined;
  return valid && device.driver === 'af_xdp' ? device.interface : undefined;
}

/** Reads what the dispatcher of a configuration would meet, changing nothing. */
export async function readDispatcher(options: DoctorOptions): Promise<DispatcherReadings> {
  const { config, reading } = configured(options);
  const name = options.interface ?? interfaceOf(config, reading);
  const network = name === undefined ? undefined : readNetwork(name, config);
  const state = network?.state;
  const path = config.socket.path ?? ownSocketPath();
  return {
    config: reading,
    needs: needsOf(config, typeof state === 'object' ? state.rxQueues : 1),
    trial: config.device.driver === 'af_xdp' ? await tryKernel() : undefined,
    interface: network,
    socket: {
      path,
      state: await socketState(path),
      folder: nearestFolder(path),
      group: socketGroup(config),
    },
    unknownAccounts: unknownAccounts(config),
  };
}
