export { type DispatcherConfig, type DispatcherOptions, PROTOCOLS } from './config/schema.js';
export { parseConfig, validateOptions } from './config/validate.js';
export { type ClientInfo, createDispatcher, type Dispatcher, type DispatcherEvents } from './dispatcher.js';
export { latencyQuantile } from './latency/quantile.js';
export type { QueueLatency, Stage } from './latency/stages.js';
export type { StackStats } from './stack/service.js';
export type { ClientStats, DispatcherStats, FrameLedger, LatencySampling, QueueStats } from './stats.js';
