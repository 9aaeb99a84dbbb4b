export type { AfXdpOptions } from './af-xdp/device.js';
export { programVerdicts, type Verdict } from './af-xdp/verdict.js';
export type { Device, DeviceContext, DeviceInfo, DeviceStats, FastPath } from './device.js';
export type { FakeDevice, FakeOptions } from './fake/device.js';
export type { FakeWireDescription } from './fake/layout.js';
export { FakeWire } from './fake/wire.js';
export { type DeviceOptions, openDevice } from './open.js';
export type { FlowMatch, RuleCoverage, RuleSet } from './rules.js';
export * as tables from './tables.js';
