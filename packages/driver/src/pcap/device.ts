import { basename } from 'node:path';
import { type Clock, monotonicClock, type Region } from '@nicshare/shm';
import type { Device, DeviceContext, DeviceInfo, DeviceStats, FastPath } from '../device.js';
import { loadDriverModule } from '../module.js';
import type { RuleCoverage } from '../rules.js';
import { DRIVER_TABLES } from '../tables.js';
import { type PcapOptions, type ReplaySettings, replaySettings } from './options.js';
import { setDueTimes } from './pacing.js';
import { ReplayPool, requireRoom } from './pool.js';
import { openRecord, Recording } from './recording.js';
import * as T from './replay-table.js';
import { SleepTimer } from './sleep-timer.js';
import { remarks, type Survey, surveyCapture } from './survey.js';

export type { PcapOptions } from './options.js';

const MAC = Uint8Array.of(2, 0, 0, 0, 0x9c, 0xa9);

/**
 * Opens a pcap device. Throws NicshareError FileNotFound, NotPermitted, CaptureInvalid, InvalidArgument, OutOfMemory.
 */
export function openPcap(options: PcapOptions, context: DeviceContext, clock = monotonicClock()): Device {
  const settings = replaySettings(options);
  const { file, record, memory } = settings;
  const survey = surveyCapture(file, context.frameSize);
  requireRoom(file, survey.packets, context.frameSize, memory);
  for (const line of remarks(file, survey, context.frameSize)) context.note(line);
  const pool = new ReplayPool(survey.packets, context);
  try {
    pool.load(file, survey.packets);
    const period = paced(pool, settings);
    const recordTo = record === undefined ? undefined : { path: record, fd: openRecord(record, file) };
    return new PcapDevice({ settings, survey, pool, period, recordTo }, context, clock);
  } catch (error) {
    pool.destroy();
    throw error;
  }
}

/** Nanoseconds of a pass; undefined where nothing is waited for. */
function paced(pool: ReplayPool, { rate, passes }: ReplaySettings): number | undefined {
  return rate === 'flat-out' ? undefined : setDueTimes(pool.dueTimes(), rate, passes > 1);
}

interface Parts {
  readonly settings: ReplaySettings;
  readonly survey: Survey;
  readonly pool: ReplayPool;
  readonly period: number | undefined;
  readonly recordTo: { readonly path: string; readonly fd: number } | undefined;
}

class PcapDevice implements Device {
  readonly info: DeviceInfo;
  readonly fastPath: FastPath;
  readonly rxRegions: readonly Region[];
  readonly waitDescriptors: readonly number[];
  readonly #note: (line: string) => void;
  readonly #clock: Clock;
  readonly #settings: ReplaySettings;
  readonly #survey: Survey;
  readonly #pool: ReplayPool;
  readonly #due: Float64Array;
  readonly #table: DataView;
  readonly #timer: SleepTimer;
  readonly #recording: Recording | undefined;
  #phase: 'waiting' | 'started' | 'stopped' = 'waiting';
  #endNoted: boolean;
  /** Of a closed device. */
  #lastStats: DeviceStats | undefined;

  constructor({ settings, survey, pool, period, recordTo }: Parts, context: DeviceContext, clock: Clock) {
    const { memory } = context.arena;
    this.#note = context.note;
    this.#clock = clock;
    this.#settings = settings;
    this.#survey = survey;
    this.#pool = pool;
    this.rxRegions = [pool.region];
    this.#due = pool.dueTimes();
    this.#endNoted = pool.packets === 0;
    this.#timer = new SleepTimer();
    this.waitDescriptors = [this.#timer.fd];
    this.#table = new DataView(memory.buffer, DRIVER_TABLES, T.TABLE_BYTES);
    this.#writeTable(period, recordTo !== undefined, context.frameSize);
    this.#recording =
      recordTo && new Recording(recordTo, pool, { memory, frameSize: context.frameSize, note: context.note });
    this.info = {
      driver: 'pcap',
      interface: 'pcap',
      mac: MAC,
      rxQueues: 1,
      txQueues: 1,
      maxPacket: context.frameSize,
      mode: inWords(settings, pool.packets),
    };
    const module = loadDriverModule(memory, { clock });
    this.fastPath = {
      rxBurst: module.pcapRxBurst,
      rxRelease: module.pcapRxRelease,
      txReserve: module.pcapTxReserve,
      txBurst: module.pcapTxBurst,
      ...(period !== undefined && { rxTime: (_queue: number, entry: number) => this.#dueAt(entry) }),
    };
  }

  #writeTable(period: number | undefined, records: boolean, frameSize: number): void {
    const pool = this.#pool;
    const cells: readonly (readonly [number, number])[] = [
      [T.RX_ENTRIES, pool.entries],
      [T.RX_PACKETS, pool.packets],
      [T.RX_CURSOR, 0],
      [T.PASSES_LEFT, 0],
      [T.ENDLESS, this.#endless ? 1 : 0],
      [T.PACED, period === undefined ? 0 : 1],
      [T.STARTED, 0],
      [T.RX_DUE, pool.due],
      [T.TX_POOL, pool.txPool],
      [T.FRAME_SHIFT, Math.log2(frameSize)],
      [T.TX_MASK, pool.txFrames - 1],
      [T.TX_LENGTHS, pool.txLengths],
      [T.TX_CURSOR, 0],
      [T.TX_RECORDED, 0],
      [T.RECORDS, records ? 1 : 0],
    ];
    for (const [cell, value] of cells) this.#table.setUint32(cell, value, true);
    this.#table.setFloat64(T.PASS_START, 0, true);
    this.#table.setFloat64(T.PASS_PERIOD, period ?? 0, true);
    this.#table.setBigUint64(T.DISCARDED, 0n, true);
  }

  get #endless(): boolean {
    return this.#settings.passes === Number.POSITIVE_INFINITY;
  }

  start(): void {
    if (this.#phase !== 'waiting') return;
    this.#phase = 'started';
    if (this.#pool.packets > 0) this.#setPassesLeft(this.#endless ? 1 : this.#settings.passes);
  }

  stop(): void {
    this.#phase = 'stopped';
    this.#setPassesLeft(0);
  }

  #setPassesLeft(passes: number): void {
    this.#table.setUint32(T.PASSES_LEFT, passes, true);
  }

  /** Not started, stopped, or at the end. */
  get #quiet(): boolean {
    return this.#table.getUint32(T.PASSES_LEFT, true) === 0;
  }

  prepareSleep(): boolean {
    if (this.#quiet) return true;
    const wait = this.#timeToNext();
    if (wait <= 0) return false;
    this.#timer.arm(wait);
    return true;
  }

  /** Nanoseconds until a packet is due; 0 or less: one is. */
  #timeToNext(): number {
    const table = this.#table;
    if (table.getUint32(T.PACED, true) === 0 || table.getUint32(T.STARTED, true) === 0) return 0;
    const due = this.#due[table.getUint32(T.RX_CURSOR, true)]!;
    return table.getFloat64(T.PASS_START, true) + due - this.#clock();
  }

  /** When the packet of the batch entry at an arena offset was due. */
  #dueAt(entry: number): number {
    const packet = this.#pool.packetAt(entry);
    const start = this.#table.getFloat64(T.BURST_PASS_START, true);
    const passEnded = packet < this.#table.getUint32(T.BURST_CURSOR, true);
    return start + this.#due[packet]! + (passEnded ? this.#table.getFloat64(T.PASS_PERIOD, true) : 0);
  }

  endSleep(): void {
    this.#timer.disarm();
  }

  /** Records what was sent. */
  maintain(): number {
    if (!this.#endNoted && this.#phase === 'started' && this.#quiet) this.#noteEnd();
    return this.#recording?.write() ?? 0;
  }

  #noteEnd(): void {
    this.#endNoted = true;
    this.#note(`${this.#settings.file} has been replayed; nothing more will come (device.loop repeats it).`);
  }

  setRules(): RuleCoverage {
    return { coverage: 'none', why: 'the pcap device hands over all packets' };
  }

  stats(): DeviceStats {
    return this.#lastStats ?? this.#count();
  }

  #count(): DeviceStats {
    const { runts, tooLong } = this.#survey;
    const discarded = Number(this.#table.getBigUint64(T.DISCARDED, true));
    return {
      rxDropped: { runt: runts, tooLong },
      txDropped: this.#recording ? { record: discarded + this.#recording.lost } : { discarded },
    };
  }

  close(): void {
    if (this.#lastStats) return;
    this.#recording?.close();
    this.#lastStats = this.#count();
    this.#timer.close();
    this.#pool.destroy();
  }
}

function inWords({ file, rate, passes }: ReplaySettings, packets: number): string {
  const speed = rate === 'recorded' ? 'as recorded' : rate === 'flat-out' ? 'flat out' : `${rate} packets/s`;
  const times = passes === 1 ? 'once' : passes === Number.POSITIVE_INFINITY ? 'looped' : `${passes} times`;
  return `${packets} packets of ${basename(file)}, ${speed}, ${times}`;
}
