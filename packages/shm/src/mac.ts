import { NicshareError } from './errors.js';

/** Six bytes of '02:00:00:00:00:01'. Throws NicshareError InvalidArgument. */
export function parseMac(text: string): Uint8Array {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text))
    throw new NicshareError(
      'InvalidArgument',
      `'${text}' is no MAC address.`,
      'Write it like 02:00:00:00:00:01.',
    );
  return Uint8Array.from(text.split(':'), (part) => Number.parseInt(part, 16));
}

/** The reverse of `parseMac`. */
export const formatMac = (mac: Uint8Array): string =>
  Array.from(mac, (byte) => byte.toString(16).padStart(2, '0')).join(':');
