export type { Device, DeviceContext, DeviceInfo, DeviceStats, FastPath } from './device.js';
export type { FlowMatch, RuleCoverage, RuleSet } from './rules.js';
export * as tables from './tables.js';
