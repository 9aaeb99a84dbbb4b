import type { ByteOrder } from './byte-order.js';
import * as F from './pcapng-format.js';

const NANOSECONDS = 1_000_000_000n;
/** Units of a second in which times are counted where no option says otherwise. */
const MICROSECONDS = 1_000_000n;
const POWER_OF_TWO = 0x80;

/** An interface of a section, as its packets need it. */
export interface CapturedInterface {
  readonly linkType: number;
  /** Bytes that were captured of each packet at most; 0: all. */
  readonly snapLength: number;
  /** Nanoseconds since 1970 of a packet's two words of time. */
  time(high: number, low: number): bigint;
}

/** Reads an Interface Description Block (draft-ietf-opsawg-pcapng, 4.2); `block` may be cut within its options. */
export function readInterface(block: Buffer, order: ByteOrder): CapturedInterface {
  let unitsPerSecond = MICROSECONDS;
  let offset = 0n;
  for (const { code, value } of options(block.subarray(F.INTERFACE_OPTIONS, -F.BLOCK_TRAILER), order)) {
    if (code === F.OPTION_TIME_RESOLUTION && value.length >= 1) unitsPerSecond = resolution(value[0]!);
    if (code === F.OPTION_TIME_OFFSET && value.length >= 8) offset = signed64(value, order);
  }
  return {
    linkType: order.u16(block, F.INTERFACE_LINK_TYPE),
    snapLength: order.u32(block, F.INTERFACE_SNAP_LENGTH),
    time: (high, low) =>
      (((BigInt(high) << 32n) | BigInt(low)) * NANOSECONDS) / unitsPerSecond + offset * NANOSECONDS,
  };
}

function* options(area: Buffer, order: ByteOrder): Generator<{ code: number; value: Buffer }> {
  for (let at = 0; at + F.OPTION_HEADER <= area.length; ) {
    const code = order.u16(area, at);
    if (code === F.OPTION_END) return;
    const length = order.u16(area, at + 2);
    const start = at + F.OPTION_HEADER;
    if (start + length > area.length) return;
    yield { code, value: area.subarray(start, start + length) };
    at = start + Math.ceil(length / 4) * 4;
  }
}

/** if_tsresol: a negative power of ten, or of two where the highest bit is set. */
const resolution = (value: number): bigint =>
  value & POWER_OF_TWO ? 2n ** BigInt(value & ~POWER_OF_TWO) : 10n ** BigInt(value);

/** The order of the two words follows that of the bytes. */
function signed64(value: Buffer, order: ByteOrder): bigint {
  const words = [order.u32(value, 0), order.u32(value, 4)] as const;
  const littleEndian = order.u16(Buffer.of(1, 0), 0) === 1;
  const [low, high] = littleEndian ? words : ([words[1], words[0]] as const);
  return BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low));
}
