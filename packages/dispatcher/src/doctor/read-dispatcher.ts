import { accessSync, constants, existsSync, lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  interfaceExists,
  readInterface,
  readXdpFeatures,
  readXdpState,
  tryKernel,
  tunAccess,
} from '@nicshare/driver';
import {
  descriptorSocketPath,
  isFolderOurs,
  isNicshareError,
  ownSocketPath,
  refuseDescriptors,
  requireSocketPath,
} from '@nicshare/shm';
import * as sys from '@nicshare/shm/sys';
import { somebodyListens } from '../conductor/socket-file.js';
import { groupId, STANDARD_GROUP } from '../config/accounts.js';
import { readConfigFile } from '../config/file.js';
import type { DispatcherConfig } from '../config/schema.js';
import { tapSettings } from '../config/tap.js';
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
  const exists = folder === wanted;
  const exposed = exists && path === ownSocketPath() && !isFolderOurs(path);
  return { path: folder, exists, writable: isWritable(folder), exposed };
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function socketAccess({ socket }: DispatcherConfig): SocketReading['access'] {
  if ((Number.parseInt(socket.mode, 8) & 0o006) === 0o006) return 'all';
  if (socket.group !== undefined) return 'group';
  if (process.getuid!() !== 0) return 'own';
  try {
    groupId(STANDARD_GROUP);
    return 'group';
  } catch (error) {
    if (isNicshareError(error, 'ConfigInvalid')) return { missing: STANDARD_GROUP };
    throw error;
  }
}

function descriptorsRefused(): boolean {
  const fd = sys.check(
    sys.libc.socket(sys.AF_UNIX, sys.SOCK_SEQPACKET | sys.SOCK_CLOEXEC, 0),
    'socket(AF_UNIX)',
  );
  try {
    return refuseDescriptors(fd);
  } finally {
    sys.libc.close(fd);
  }
}

async function readSocket(config: DispatcherConfig): Promise<SocketReading> {
  const path = config.socket.path ?? ownSocketPath();
  return {
    path,
    state: await socketState(path),
    folder: nearestFolder(path),
    access: socketAccess(config),
    descriptorsRefused: descriptorsRefused(),
  };
}

/** The interface that a valid configuration names. */
function interfaceOf(
  { device }: DispatcherConfig,
  reading: DispatcherReadings['config'],
): string | undefined {
  const valid = reading !== undefined && reading.error === undefined;
  return valid && device.driver === 'af_xdp' ? device.interface : undefined;
}

function readExceptionPath(config: DispatcherConfig): Pick<DispatcherReadings, 'exceptionPath'> {
  const tap = tapSettings(config);
  if (!tap) return {};
  return { exceptionPath: { name: tap.name, access: tunAccess(), taken: interfaceExists(tap.name) } };
}

/** Reads what the dispatcher of a configuration would meet, changing nothing. */
export async function readDispatcher(options: DoctorOptions): Promise<DispatcherReadings> {
  const { config, reading } = configured(options);
  const name = options.interface ?? interfaceOf(config, reading);
  const network = name === undefined ? undefined : readNetwork(name, config);
  const state = network?.state;
  return {
    config: reading,
    needs: needsOf(config, typeof state === 'object' ? state.rxQueues : 1),
    trial: config.device.driver === 'af_xdp' ? await tryKernel() : undefined,
    interface: network,
    socket: await readSocket(config),
    ...readExceptionPath(config),
  };
}
