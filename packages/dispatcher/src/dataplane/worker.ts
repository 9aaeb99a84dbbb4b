import { type MessagePort, workerData } from 'node:worker_threads';
import { type Device, openDevice } from '@nicshare/driver';
import { Arena, NicshareError, type PlainError, toPlainError } from '@nicshare/shm';
import { ExceptionPath } from './exception-path.js';
import type { DataplaneSettings, Report } from './messages.js';
import { loadPlane } from './plane.js';
import { PollLoop } from './poll-loop.js';
import { writeRules } from './rule-table.js';
import { openSharedRegions } from './shared-regions.js';
import * as T from './tables.js';

/** What the thread is started with: its settings, and the port to its Conductor. */
export interface WorkerStart {
  readonly settings: DataplaneSettings;
  readonly port: MessagePort;
}

const { settings, port } = workerData as WorkerStart;
const report = (message: Report): void => port.postMessage(message);

function plainError(error: unknown): PlainError {
  if (error instanceof NicshareError) return toPlainError(error);
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return toPlainError(new NicshareError('DeviceFailed', what, ''));
}

function open(): Device {
  return openDevice(settings.device, {
    arena: Arena.adopt(settings.memory, settings.deviceRange),
    frameSize: settings.frameSize,
    ringSize: settings.deviceRingSize,
    spareFrames: settings.spareFrames,
    hugepages: settings.hugepages,
    rxTimes: settings.sampleInterval > 0,
    note: (line) => report({ type: 'note', line }),
  });
}

function openExceptionPath(device: Device): ExceptionPath | undefined {
  const { tap, memory, frameSize } = settings;
  const note = (line: string): void => report({ type: 'note', line });
  return tap && new ExceptionPath(tap, { memory, frameSize, device, note });
}

const UNMATCHED = {
  drop: { table: T.UNMATCHED_DROP, rules: 'drop' },
  pass: { table: T.UNMATCHED_PASS, rules: 'pass' },
  tap: { table: T.UNMATCHED_KERNEL, rules: 'take' },
} as const;

function start(device: Device, exception: ExceptionPath | undefined): PollLoop {
  const unmatched = UNMATCHED[settings.unmatched];
  const view = new DataView(settings.memory.buffer);
  writeRules(view, settings.matches);
  view.setUint32(T.PLANE + T.PLANE_RX_QUEUES, device.info.rxQueues, true);
  view.setUint32(T.PLANE + T.PLANE_HOLD, settings.hold ? 1 : 0, true);
  view.setUint32(T.PLANE + T.PLANE_UNMATCHED, unmatched.table, true);
  view.setUint32(T.PLANE + T.PLANE_SAMPLED, settings.sampleInterval > 0 ? 1 : 0, true);
  view.setFloat64(T.PLANE + T.PLANE_SAMPLE_INTERVAL, settings.sampleInterval * 1000, true);
  const coverage = device.setRules({
    matches: settings.matches.map((rule) => rule.match),
    unmatched: unmatched.rules,
  });
  const plane = loadPlane(settings.memory, device.fastPath, exception);
  const loop = new PollLoop(device, plane, exception, port, settings);
  const { wire } = device as { wire?: unknown };
  const rxTimes = device.fastPath.rxTime !== undefined;
  const exceptionInterface = exception?.interface;
  const sharedRegions = settings.spareFrames > 0 ? openSharedRegions(device) : [];
  report({ type: 'ready', info: device.info, coverage, wire, exceptionInterface, rxTimes, sharedRegions });
  return loop;
}

let device: Device | undefined;
let exception: ExceptionPath | undefined;
try {
  device = open();
  exception = openExceptionPath(device);
  start(device, exception).run();
  device.close();
  exception?.close();
  report({ type: 'stopped' });
} catch (error) {
  try {
    exception?.close();
    device?.close();
  } finally {
    report({ type: 'failed', error: plainError(error) });
  }
}
