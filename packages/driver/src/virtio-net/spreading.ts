import { VERIFICATION_KEY } from '../rss/toeplitz.js';
import { type ControlQueue, QUEUE_PAIRS, RSS_CONFIG } from './control-queue.js';
import type { Features } from './features.js';
import * as R from './registers.js';
import type { Transport } from './transport.js';

/** Hashes of IPv4 and IPv6, alone and with the ports of TCP and of UDP (5.1.6.4.3.1). */
const HASH_TYPES = 0x3f;
const TABLE_ENTRIES = 128;

/** Has the card use so many rings, and spread packets over them by RSS where it can; returns how it does. */
export function spread(
  control: ControlQueue,
  features: Features,
  transport: Transport,
  rings: number,
): string {
  if (!features.has('RSS')) {
    const pairs = Buffer.alloc(2);
    pairs.writeUInt16LE(rings);
    control.command(`the use of ${rings} queue pairs`, QUEUE_PAIRS, pairs);
    return 'by the flows that were sent there';
  }
  control.command(`RSS over ${rings} queue pairs`, RSS_CONFIG, rssConfiguration(transport, rings));
  return 'by RSS';
}

/** Struct virtio_net_rss_config (5.1.6.5.7.1): what is not hashed goes to the first ring. */
function rssConfiguration({ device }: Transport, rings: number): Buffer {
  const entries = Math.min(TABLE_ENTRIES, device.read16(R.RSS_MAX_INDIRECTION_TABLE_LENGTH));
  const key = VERIFICATION_KEY.subarray(0, device.read8(R.RSS_MAX_KEY_SIZE));
  const bytes = Buffer.alloc(11 + 2 * entries);
  bytes.writeUInt32LE(device.read32(R.SUPPORTED_HASH_TYPES) & HASH_TYPES, 0);
  bytes.writeUInt16LE(entries - 1, 4);
  for (let entry = 0; entry < entries; entry++) bytes.writeUInt16LE(entry % rings, 8 + 2 * entry);
  bytes.writeUInt16LE(rings, 8 + 2 * entries);
  bytes.writeUInt8(key.length, 10 + 2 * entries);
  return Buffer.concat([bytes, key]);
}
