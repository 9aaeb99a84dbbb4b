import { readFileSync } from 'node:fs';

/** What driver.wasm exports (assembly/index.ts). Arguments are u32, a bool comes as 0 or 1. */
export interface DriverModule {
  xskRxBurst(queue: number, batch: number, max: number): number;
  xskRxRelease(queue: number, batch: number, count: number): void;
  xskTxReserve(queue: number, batch: number, max: number): number;
  xskTxBurst(queue: number, batch: number, count: number): void;
  xskMaintain(queue: number): number;
  xskRxWaiting(queue: number): number;
  xskTxWaiting(queue: number): number;
  xskFillWaiting(queue: number): number;
  nullRxBurst(queue: number, batch: number, max: number): number;
  nullRxRelease(queue: number, batch: number, count: number): void;
  nullTxReserve(queue: number, batch: number, max: number): number;
  nullTxBurst(queue: number, batch: number, count: number): void;
  pcapRxBurst(queue: number, batch: number, max: number): number;
  pcapRxRelease(queue: number, batch: number, count: number): void;
  pcapTxReserve(queue: number, batch: number, max: number): number;
  pcapTxBurst(queue: number, batch: number, count: number): void;
  intelRxBurst(ring: number, batch: number, max: number): number;
  intelRxRelease(ring: number, batch: number, count: number): void;
  intelRxPublish(ring: number): void;
  intelRxWaiting(ring: number): number;
  intelTxReserve(ring: number, batch: number, max: number): number;
  intelTxBurst(ring: number, batch: number, count: number): void;
  intelTxWaiting(ring: number): number;
  virtioRxBurst(ring: number, batch: number, max: number): number;
  virtioRxRelease(ring: number, batch: number, count: number): void;
  virtioRxPublish(ring: number): void;
  virtioRxInterrupts(ring: number, wanted: number): number;
  virtioTxReserve(ring: number, batch: number, max: number): number;
  virtioTxBurst(ring: number, batch: number, count: number): void;
}

/** What the module calls; neither may throw. */
export interface DriverImports {
  /** Tells the kernel or the device that a TX queue has packets. */
  readonly doorbell?: (queue: number) => void;
  /** Nanoseconds since whenever, never going back. */
  readonly clock?: () => number;
}

/** Instantiates the drivers' WebAssembly module over the memory of an arena. */
export function loadDriverModule(
  memory: WebAssembly.Memory,
  { doorbell = () => {}, clock = () => 0 }: DriverImports = {},
): DriverModule {
  const module = new WebAssembly.Module(readFileSync(new URL('./driver.wasm', import.meta.url)));
  const instance = new WebAssembly.Instance(module, { env: { memory, doorbell, clock, abort } });
  return instance.exports as unknown as DriverModule;
}

function abort(): never {
  throw new WebAssembly.RuntimeError('the driver module aborted');
}
