export { type GuestOptions, type GuestResult, runInGuest } from './guest.js';
export { LabUnavailable } from './lab-error.js';
export { installedQemu, type Qemu, recentQemu } from './qemu.js';
export { Wire } from './wire.js';
