// The open device's fast path; see FastPath in the driver package.
// @ts-ignore: decorator
@external('device', 'rxBurst')
export declare function rxBurst(queue: u32, batch: u32, max: u32): u32;
// @ts-ignore: decorator
@external('device', 'rxRelease')
export declare function rxRelease(queue: u32, batch: u32, count: u32): void;
// @ts-ignore: decorator
@external('device', 'txReserve')
export declare function txReserve(queue: u32, batch: u32, max: u32): u32;
// @ts-ignore: decorator
@external('device', 'txBurst')
export declare function txBurst(queue: u32, batch: u32, count: u32): void;
/** When the packet of a batch entry came, in nanoseconds of the clock; 0 where the device does not say. */
// @ts-ignore: decorator
@external('device', 'rxTime')
export declare function rxTime(queue: u32, entry: u32): f64;
